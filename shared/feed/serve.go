package feed

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"msatom/shared/outbox"
)

// Serve answers a GET or HEAD of document n, or of the recent document for n = 0, in the dialect of a media type. It
// returns a problem.Error (404, 503) or a database error, and has written nothing then.
func (f *Feed) Serve(w http.ResponseWriter, r *http.Request, n int64, mediaType string) error {
	dialect, ok := dialectOf(mediaType)
	if !ok {
		return fmt.Errorf("feed: no dialect for %q", mediaType)
	}
	wait, prefersWait := preferredWait(r)
	first, last := span(n)
	return f.serve(w, r, query{
		dialect: dialect, mediaType: mediaType, wait: wait, prefersWait: prefersWait, first: first, last: last,
		document: func(head outbox.Head) (*Document, error) { return f.document(r, head, n) },
	})
}

// query is what a request asks for.
type query struct {
	dialect     Dialect
	mediaType   string
	wait        time.Duration                        // how long the answer may wait for news
	prefersWait bool                                 // whether the header Prefer asks for that
	first, last int64                                // the positions that the answer depends on
	document    func(outbox.Head) (*Document, error) // the document at a head of the log, without entries
}

func (f *Feed) serve(w http.ResponseWriter, r *http.Request, q query) error {
	head, err := f.head(r, q.first, q.last)
	if err != nil {
		return err
	}
	d, err := q.document(head)
	if err != nil {
		return err
	}
	form := q.dialect.Name
	if q.dialect.Page {
		form += "-" + f.Pages.Tag()
	}
	zipped := acceptsGzip(r)
	coded := form
	if zipped {
		coded += "-gzip"
	}
	v := versionOf(d, coded)
	waits := q.wait > 0 && !d.Archived()
	if waits && (v.status(r) == http.StatusNotModified || d.isEmptyBatch()) {
		if head, moved := f.await(w, r, head, q.wait); moved {
			if d, err = q.document(head); err != nil {
				return err
			}
			v = versionOf(d, coded)
		}
	}
	var rendered *rendering
	status := v.status(r)
	isDelta := status == http.StatusOK && d.restrict(r, coded, q)
	if isDelta {
		status = http.StatusIMUsed
	}
	if status < 300 || d.Archived() && !v.isTag(r) {
		if rendered, err = f.render(r.Context(), d, form, q); err != nil {
			return err
		}
		if d.Archived() {
			v.modified = rendered.modified
			status = v.status(r)
		}
	}

	h := w.Header()
	h["Vary"], h["Cache-Control"] = f.caching(d, q)
	if len(f.Origins) > 0 {
		h["Vary"] = []string{h.Get("Vary") + ", Origin"}
	}
	if isDelta {
		h.Set("IM", "feed")
		h.Set("Cache-Control", "no-store") // a cache that does not know 226 must not give it to others
	}
	if waits && q.prefersWait {
		h.Set("Preference-Applied", "wait="+strconv.Itoa(int(q.wait/time.Second)))
	}
	var body []byte
	if rendered != nil && status < 300 {
		h["Link"] = slices.Clip(rendered.links)
		if body = rendered.plain; zipped {
			body = rendered.gzipped
			h.Set("Content-Encoding", "gzip")
		}
	}
	mediaType := q.mediaType
	if q.dialect.Page {
		mediaType += "; charset=utf-8"
	}
	v.write(w, r, status, mediaType, body)
	return nil
}

// Values of headers that are the same for many answers. Vary is in one line, because Apache's cache reads only the first. A
// document that is still open varies by A-IM and Prefer too: a cache must not answer a request for new entries with the
// whole, nor keep what somebody waited for.
var (
	varyArchived = []string{"Accept, Accept-Encoding"}
	varyOpen     = []string{"Accept, Accept-Encoding, A-IM, Prefer"}
	revalidate   = []string{"no-cache"}
	immutable    = []string{"public, max-age=31536000, immutable"}
)

// caching returns the headers Vary and Cache-Control.
func (f *Feed) caching(d *Document, q query) (vary, control []string) {
	vary, control = varyOpen, revalidate
	// The first batch may be full, but its address is that of the recent document and does not name the log.
	if d.Archived() && !(d.Batch && d.After == 0) {
		vary = varyArchived
		if !q.dialect.Page {
			return vary, immutable
		}
	}
	if f.MaxAge > 0 && q.wait == 0 {
		control = []string{fmt.Sprintf("public, max-age=%d", f.MaxAge)}
	}
	return vary, control
}

// ServeState answers a GET or HEAD of a resource that changes only when the log does, such as a list of its records, with
// the validators of the recent document. The form distinguishes representations. If render returns an error, ServeState
// returns it and has written nothing.
func (f *Feed) ServeState(w http.ResponseWriter, r *http.Request, form, mediaType string, render func(*bytes.Buffer) error) error {
	head, err := f.head(r, 0, math.MaxInt64)
	if err != nil {
		return err
	}
	d, err := f.document(r, head, 0)
	if err != nil {
		return err
	}
	v := versionOf(d, form)
	var body bytes.Buffer
	status := v.status(r)
	if status == http.StatusOK {
		if err := render(&body); err != nil {
			return err
		}
	}
	w.Header()["Cache-Control"] = revalidate
	v.write(w, r, status, mediaType, body.Bytes())
	return nil
}

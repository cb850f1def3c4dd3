// How a document is served: the dialect by Accept, validators from the head alone, so that a 304 reads no entries and
// writes none, and the conditional headers as net/http has them (RFC 9110 section 13).
package feed

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Dialect is a way to write documents. To add one, write a file like atom.go and list it in Dialects.
type Dialect struct {
	Name  string   // in entity tags
	Types []string // media types that select it
	Write func(io.Writer, *Document) error
}

// Dialects that a feed is served in, the default first.
var Dialects = []Dialect{Atom, JSON}

// DialectOf finds the dialect of a media type.
func DialectOf(mediaType string) (Dialect, bool) {
	for _, d := range Dialects {
		for _, t := range d.Types {
			if t == mediaType {
				return d, true
			}
		}
	}
	return Dialect{}, false
}

// PublicURL is the request header in which the front door says under which address the public knows the system. It
// overwrites what a client sends there.
const PublicURL = "X-Public-URL"

// Base is the scheme and host that links in the answer to r lead to: the configured public address for a reader who comes through the
// front door, the request's own host for one who comes directly.
func Base(r *http.Request) string {
	if u, err := url.Parse(r.Header.Get(PublicURL)); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return u.Scheme + "://" + u.Host
	}
	if r.Host == "" {
		return "" // HTTP/1.0 need not name a host: links are then relative
	}
	return "http://" + r.Host
}

// Serve answers a GET or HEAD of document n, or of the recent one for n = 0, in the dialect of a media type. It returns
// a problem.Error (404, 503) or a database error, and has then written nothing.
func (l *Log) Serve(w http.ResponseWriter, r *http.Request, n int64, mediaType string) error {
	dialect, ok := DialectOf(mediaType)
	if !ok {
		return fmt.Errorf("feed: no dialect for %q", mediaType)
	}
	d, err := l.at(r.Context(), n, Base(r))
	if err != nil {
		return err
	}
	modified, final, err := l.modified(r, d)
	if err != nil {
		return err
	}
	if d.Archived() {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return serve(w, r, d.etag(dialect), modified, final, mediaType, func(body *bytes.Buffer) error {
		if err := l.read(r.Context(), d); err != nil {
			return err
		}
		return dialect.Write(body, d)
	})
}

// ServeState answers a GET or HEAD of anything that changes only when the log does, such as a list of its records, with the
// same validators. The variant tells representations apart. What render returns as an error is returned; nothing is written then.
func (l *Log) ServeState(w http.ResponseWriter, r *http.Request, variant, mediaType string, render func(*bytes.Buffer) error) error {
	d, err := l.at(r.Context(), 0, "")
	if err != nil {
		return err
	}
	modified, final, err := l.modified(r, d)
	if err != nil {
		return err
	}
	return serve(w, r, d.etag(Dialect{Name: variant}), modified, final, mediaType, render)
}

func serve(w http.ResponseWriter, r *http.Request, etag string, modified time.Time, final bool, mediaType string, render func(*bytes.Buffer) error) error {
	if !final {
		// More entries may still get this second: a date cannot tell them apart, so none is promised and none believed.
		r = r.Clone(r.Context())
		r.Header.Del("If-Modified-Since")
		modified = modified.Add(-time.Second)
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("ETag", etag)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	var body bytes.Buffer
	if wanted(h, r, modified) {
		if err := render(&body); err != nil {
			for _, name := range []string{"Content-Type", "ETag", "Cache-Control"} {
				h.Del(name)
			}
			return err
		}
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(body.Bytes()))
	return nil
}

// wanted asks net/http what the conditions of a request come to, before anything is read for its answer.
func wanted(h http.Header, r *http.Request, modified time.Time) bool {
	whole := r.Clone(r.Context())
	whole.Header.Del("Range")
	p := &probe{header: h.Clone()}
	http.ServeContent(p, whole, "", modified, bytes.NewReader(nil))
	return p.status == http.StatusOK
}

// probe is a http.ResponseWriter that keeps only the status.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// etag names the bytes of a document: which log, which part of it, how far it is filled, which dialect.
func (d *Document) etag(dialect Dialect) string {
	_, last := d.span()
	state := "open"
	if d.Recent {
		state = "recent"
	} else if d.Archived() {
		state = "archived"
	}
	return fmt.Sprintf(`"%.8s-%d-%s-%s"`, d.Head.Epoch, last, state, dialect.Name)
}

// modified is when the document last changed, and whether that second is over. (The database's clock may have been set
// back: then the second of the last entry is yet to come, and still not over.) An archived document changed last when
// its successor began.
func (l *Log) modified(r *http.Request, d *Document) (t time.Time, final bool, err error) {
	if !d.Archived() {
		updated, now := d.Head.Updated, d.Head.now()
		if updated.Before(now) {
			return updated, true, nil
		}
		return now, false, nil // not updated: a date must not be in the future, RFC 9110 section 8.8.2.1
	}
	err = l.db.WithContext(r.Context()).Raw("SELECT updated FROM feed_position WHERE position = ?", d.Number*DocumentSize+1).Scan(&t).Error
	return t.UTC(), true, err
}

// How a document is served: the dialect by Accept, validators from the head alone, so that a 304 reads no entries and
// writes none, and the conditional headers as net/http has them (RFC 9110 section 13).
package feed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dialect is a way to write documents. To add one, write a file like atom.go and list it in Dialects.
type Dialect struct {
	Name  string   // in entity tags
	Types []string // media types that select it
	Page  bool     // a page of the site: it names the instance, and the next version of the program writes another
	Write func(io.Writer, *Document) error
}

// Dialects that a feed is served in, the default first.
var Dialects = []Dialect{Atom, JSON, RSS, CloudEvents, HTML}

// Types are the media types of all dialects, the default first.
func Types() (types []string) {
	for _, d := range Dialects {
		types = append(types, d.Types...)
	}
	return types
}

// DialectOf finds the dialect of a media type.
func DialectOf(mediaType string) (Dialect, bool) {
	for _, d := range Dialects {
		if slices.Contains(d.Types, mediaType) {
			return d, true
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

// Serve answers a GET or HEAD of document n, or of the recent one for n = 0, in the dialect of a media type. With "Prefer: wait"
// it waits while it would answer 304. It returns a problem.Error (404, 503) or a database error, and has then written nothing.
func (l *Log) Serve(w http.ResponseWriter, r *http.Request, n int64, mediaType string) error {
	dialect, ok := DialectOf(mediaType)
	if !ok {
		return fmt.Errorf("feed: no dialect for %q", mediaType)
	}
	ask := func(ctx context.Context) (*Document, error) { return l.at(ctx, n, Base(r)) }
	return l.serve(w, r, dialect, mediaType, &served{log: l, ask: ask})
}

func (l *Log) serve(w http.ResponseWriter, r *http.Request, dialect Dialect, mediaType string, s *served) (err error) {
	if s.d, err = s.ask(r.Context()); err != nil {
		return err
	}
	s.variant, s.gzip = dialect.Name, acceptsGzip(r.Header.Get("Accept-Encoding"))
	if dialect.Page {
		s.variant += "-" + l.Pages.Tag()
		mediaType += "; charset=utf-8"
	}
	if err := s.wait(w, r); err != nil {
		return err
	}
	key := s.d.Base + " " + mediaType + " " + s.d.etag(s.variant)
	kept, ok := l.rendered.get(key)
	if ok && s.d.Archived() {
		s.modified, s.final = kept.modified, true
	} else if err := s.date(r); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if s.immutable() && !dialect.Page {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Add("Vary", "Accept-Encoding")
	return s.write(w, r, mediaType, func() ([]byte, error) {
		kept, err := l.rendered.do(key, s.modified, func(body *bytes.Buffer) error {
			if err := l.read(r.Context(), s.d); err != nil {
				return err
			}
			return dialect.Write(body, s.d)
		})
		if err != nil {
			return nil, err
		}
		for _, link := range s.d.Links() {
			h.Add("Link", link.header())
		}
		if s.gzip {
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(kept.gzipped)))
			return kept.gzipped, nil
		}
		return kept.plain, nil
	})
}

// header is the link as RFC 8288 writes it, for who follows links without reading documents.
func (l Link) header() string {
	header := "<" + bracketed.Replace(l.Href) + `>; rel="` + l.Rel + `"`
	if l.Type != "" {
		header += `; type="` + l.Type + `"`
	}
	return header
}

// bracketed keeps within its brackets what a Host that is none may hold.
var bracketed = strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20")

// ServeState answers a GET or HEAD of anything that changes only when the log does, such as a list of its records, with the
// same validators. The variant tells representations apart. What render returns as an error is returned; nothing is written then.
func (l *Log) ServeState(w http.ResponseWriter, r *http.Request, variant, mediaType string, render func(*bytes.Buffer) error) error {
	d, err := l.at(r.Context(), 0, "")
	if err != nil {
		return err
	}
	s := &served{log: l, d: d, variant: variant}
	if err := s.date(r); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	return s.write(w, r, mediaType, func() ([]byte, error) {
		var body bytes.Buffer
		err := render(&body)
		return body.Bytes(), err
	})
}

// served is an answer on its way: which document, in which form, with which date.
type served struct {
	log      *Log
	d        *Document
	ask      func(context.Context) (*Document, error) // for d, again when the log has moved
	timeout  time.Duration                            // how long the reader waits for the first event of a batch
	variant  string
	gzip     bool
	modified time.Time
	final    bool // the second of modified is over
}

// immutable says whether what is at this address is there for ever. The beginning of the log is not: its address does not
// name the log.
func (s *served) immutable() bool { return s.d.Archived() && !(s.d.Batch && s.d.After == 0) }

func (s *served) etag() string {
	if s.gzip {
		return s.d.etag(s.variant + "-gzip")
	}
	return s.d.etag(s.variant)
}

func (s *served) date(r *http.Request) (err error) {
	if s.d.Batch {
		s.final = true // without a date: its tag says all
		return nil
	}
	s.modified, s.final, err = s.log.modified(r, s.d)
	return err
}

func (s *served) write(w http.ResponseWriter, r *http.Request, mediaType string, render func() ([]byte, error)) error {
	modified := s.modified
	if !s.final {
		// More entries may still get this second: a date cannot tell them apart, so none is promised and none believed.
		r = r.Clone(r.Context())
		r.Header.Del("If-Modified-Since")
		modified = modified.Add(-time.Second)
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("ETag", s.etag())
	var body []byte
	if wanted(h, r, modified) {
		var err error
		if body, err = render(); err != nil {
			for _, name := range []string{"Content-Type", "ETag", "Cache-Control", "Content-Encoding", "Content-Length"} {
				h.Del(name)
			}
			return err
		}
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(body))
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

// etag names the bytes of a document: which log, which part of it, how far it is filled, in which form.
func (d *Document) etag(variant string) string {
	_, last := d.span()
	state := "open"
	switch {
	case d.Batch:
		state = fmt.Sprintf("after-%d", d.After)
	case d.Recent:
		state = "recent"
	case d.Archived():
		state = "archived"
	}
	return fmt.Sprintf(`"%.8s-%d-%s-%s"`, d.Head.Epoch, last, state, variant)
}

// modified is when the document last changed, and whether that second is over. (The database's clock may have been set
// back: then the second of the last entry is yet to come, and still not over.) An archived document changed last when
// its successor began.
func (l *Log) modified(r *http.Request, d *Document) (t time.Time, final bool, err error) {
	if !d.Archived() {
		updated, now := d.Head.Updated, d.Head.clock.Truncate(time.Second)
		if updated.Before(now) {
			return updated, true, nil
		}
		return now, false, nil // not updated: a date must not be in the future, RFC 9110 section 8.8.2.1
	}
	err = l.db.WithContext(r.Context()).Raw("SELECT updated FROM feed_position WHERE position = ?", d.Number*DocumentSize+1).Scan(&t).Error
	return t.UTC(), true, err
}

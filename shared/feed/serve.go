// How a document is served: the dialect by Accept, validators from the head alone, so that a 304 reads no entries and
// writes none (conditional.go).

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
	Name  string   // in entity tags: documents of another look need another name
	Types []string // media types that select it
	Page  bool     // a page of the site: it names the instance, and the next version of the program writes another
	Delta bool     // its readers may ask for what is new only (delta.go)
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
	ask := func() (*Document, error) { return l.at(r, n) }
	return l.serve(w, r, dialect, mediaType, &served{log: l, ask: ask})
}

func (l *Log) serve(w http.ResponseWriter, r *http.Request, dialect Dialect, mediaType string, s *served) (err error) {
	if s.d, err = s.ask(); err != nil {
		return err
	}
	s.variant, s.gzip = dialect.Name, acceptsGzip(r.Header.Get("Accept-Encoding"))
	if dialect.Page {
		s.variant += "-" + l.Pages.Tag()
		mediaType += "; charset=utf-8"
	}
	if aside, err := s.wait(w, r); err != nil || aside {
		return err
	}
	h := w.Header()
	h["Cache-Control"] = s.lifetime(r, dialect)
	h["Vary"] = varies
	switch {
	case l.MaxAge > 0:
		h["Vary"] = variesForAMoment
	case s.d.Recent && dialect.Delta:
		h["Vary"] = variesRecent
	}
	if s.known(w, r) {
		return nil
	}
	s.d.Base = Base(r)
	key := s.d.Base + " " + mediaType + " " + s.d.etag(s.variant)
	if s.delta(w, r, dialect) {
		key += " after " + strconv.FormatInt(s.d.After, 10)
	}
	kept, ok := l.rendered.get(key)
	if ok && s.d.Archived() {
		s.modified, s.final = kept.modified, true
	} else if err := s.date(r); err != nil {
		return err
	}
	return s.write(w, r, mediaType, func() ([]byte, error) {
		kept, err := l.rendered.do(key, func(kept *rendering, body *bytes.Buffer) error {
			for _, link := range s.d.Links() {
				kept.links = append(kept.links, link.header())
			}
			kept.modified = s.modified
			// Others may wait for it too: it does not end with this reader.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
			defer cancel()
			if err := l.read(ctx, s.d); err != nil {
				return err
			}
			return dialect.Write(body, s.d)
		})
		if err != nil {
			return nil, err
		}
		h["Link"] = slices.Clip(kept.links)
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
	d, err := l.at(r, 0)
	if err != nil {
		return err
	}
	s := &served{log: l, d: d, variant: variant}
	w.Header().Set("Cache-Control", "no-cache")
	if s.known(w, r) {
		return nil
	}
	if err := s.date(r); err != nil {
		return err
	}
	return s.write(w, r, mediaType, func() ([]byte, error) {
		var body bytes.Buffer
		err := render(&body)
		return body.Bytes(), err
	})
}

// patience is how long the database may take to read a document.
const patience = 10 * time.Second

// served is an answer on its way: which document, in which form, with which date.
type served struct {
	log      *Log
	d        *Document
	ask      func() (*Document, error) // for d, again when the log has moved
	timeout  time.Duration             // how long the reader waits for the first event of a batch
	variant  string
	gzip     bool
	status   int // of the answer, if it is not 200
	modified time.Time
	final    bool // the second of modified is over
}

// immutable says whether what is at this address is there for ever. The beginning of the log is not: its address does not
// name the log.
func (s *served) immutable() bool { return s.d.Archived() && !(s.d.Batch && s.d.After == 0) }

// What is in the header of every answer is made once. Vary is in one line: of several, Apache's cache reads the first.
var (
	varies           = []string{"Accept, Accept-Encoding"}
	variesRecent     = []string{"Accept, Accept-Encoding, A-IM"}         // a cache must not ask with its own tag for who wants only what is new
	variesForAMoment = []string{"Accept, Accept-Encoding, A-IM, Prefer"} // and what it keeps for a moment is not for who waits for news
	revalidated      = []string{"no-cache"}
	forEver          = []string{"public, max-age=31536000, immutable"}
)

// lifetime says how long caches may keep the answer without asking again: the header Cache-Control.
func (s *served) lifetime(r *http.Request, dialect Dialect) []string {
	if s.immutable() && !dialect.Page {
		return forEver
	}
	if s.log.MaxAge > 0 && s.timeout == 0 {
		if _, waits := preferredWait(r); !waits {
			return []string{fmt.Sprintf("public, max-age=%d", s.log.MaxAge)}
		}
	}
	return revalidated
}

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

// etag names the bytes of a document: which log, which part of it, how far it is filled, in which form.
func (d *Document) etag(variant string) string {
	_, last := d.span()
	state := "-open-"
	switch {
	case d.Batch:
		state = "-after-" + strconv.FormatInt(d.After, 10) + "-"
	case d.Recent:
		state = "-recent-"
	case d.Archived():
		state = "-archived-"
	}
	return `"` + d.Head.Epoch[:8] + "-" + strconv.FormatInt(last, 10) + state + variant + `"`
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
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	err = l.db.WithContext(ctx).Raw("SELECT updated FROM feed_position WHERE position = ?", d.Number*DocumentSize+1).Scan(&t).Error
	return t.UTC(), true, err
}

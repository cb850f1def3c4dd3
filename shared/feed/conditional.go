// The conditional headers of a request (RFC 9110 section 13), as net/http has them.

package feed

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// known answers 304 to who only asks whether the tag is still the same, as pollers do, if it is. It reports false for all others, and has
// then written nothing.
func (s *served) known(w http.ResponseWriter, r *http.Request) bool {
	if !s.same(r) {
		return false
	}
	w.Header()["Etag"] = r.Header["If-None-Match"]
	w.WriteHeader(http.StatusNotModified)
	return true
}

// same says whether the one condition of a request is the tag that the document has now.
func (s *served) same(r *http.Request) bool {
	tags := r.Header["If-None-Match"]
	return len(tags) == 1 && tags[0] == s.etag() && r.Header["If-Match"] == nil && r.Header["If-Unmodified-Since"] == nil
}

// write answers with what render returns or a part of it, or with 304 or 412.
func (s *served) write(w http.ResponseWriter, r *http.Request, mediaType string, render func() ([]byte, error)) error {
	modified, asked := s.modified, r
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
			for _, name := range []string{"Content-Type", "ETag", "IM", "Cache-Control", "Content-Encoding", "Content-Length"} {
				h.Del(name)
			}
			return err
		}
	}
	if len(body) > 0 && r.Method == http.MethodGet && r.Header["Range"] == nil {
		// The whole, which ServeContent would copy piece by piece.
		if !modified.IsZero() && !had(asked, modified) {
			h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(cmp.Or(s.status, http.StatusOK))
		_, _ = w.Write(body) // to a reader who may have left
		return nil
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(body))
	return nil
}

// had says whether a reader, who asks by tag and by date, has a date that is not before t. What it gets changed within that second.
// Told no later date, libcurl would throw the answer away as one that it has (CURLOPT_TIMECONDITION); newsboat keeps the new tag all the
// same, and would never ask for those entries again.
func had(r *http.Request, t time.Time) bool {
	d, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && r.Header.Get("If-None-Match") != "" && !t.Truncate(time.Second).After(d)
}

// wanted asks net/http what the conditions of a request come to, before anything is read for its answer.
func wanted(h http.Header, r *http.Request, modified time.Time) bool {
	conditional := func(name string) bool { return r.Header[name] != nil }
	if !slices.ContainsFunc([]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}, conditional) {
		return true
	}
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

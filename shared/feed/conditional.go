package feed

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// This file evaluates the conditional headers of a request (RFC 9110 section 13) as net/http does, and writes answers.

// version holds the validators of a representation.
type version struct {
	tag      string
	modified time.Time // when it last changed; zero if it has no date
	running  bool      // whether the current second is not over, so that more entries may get it
}

// versionOf returns the validators of a document in a form, from the head alone. An archived document changed last when its
// successor began, which only its rendering knows; a batch has no date.
func versionOf(d *Document, form string) version {
	v := version{tag: d.etag(form)}
	if d.Archived() || d.Batch {
		return v
	}
	v.modified = d.Head.Updated
	// If the database's clock was set back, the second of the last entry is still to come. A date must not be in the future:
	// RFC 9110 section 8.8.2.1.
	if now := d.Head.Clock.Truncate(time.Second); !v.modified.Before(now) {
		v.modified, v.running = now, true
	}
	return v
}

// isTag reports whether the only condition of r is that the tag has changed, as pollers send it, and it has not.
func (v version) isTag(r *http.Request) bool {
	tags := r.Header["If-None-Match"]
	return len(tags) == 1 && tags[0] == v.tag && r.Header["If-Match"] == nil && r.Header["If-Unmodified-Since"] == nil
}

// status returns what the conditions of r come to: 200, 304 or 412.
func (v version) status(r *http.Request) int {
	if v.isTag(r) {
		return http.StatusNotModified
	}
	isConditional := func(name string) bool { return r.Header[name] != nil }
	if !slices.ContainsFunc([]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}, isConditional) {
		return http.StatusOK
	}
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	p := &probe{header: http.Header{"Etag": {v.tag}}}
	v.serveContent(p, r, nil)
	return p.status
}

// serveContent answers by net/http. While the second is running, a date does not identify a version: none is believed, and
// the one sent is a second older.
func (v version) serveContent(w http.ResponseWriter, r *http.Request, body []byte) {
	if v.running {
		r = r.Clone(r.Context())
		r.Header.Del("If-Modified-Since")
	}
	http.ServeContent(w, r, "", v.date(), bytes.NewReader(body))
}

// date returns the header Last-Modified.
func (v version) date() time.Time {
	if v.running {
		return v.modified.Add(-time.Second)
	}
	return v.modified
}

// write answers with body or a part of it, or without a body if status is 304 or 412.
func (v version) write(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) {
	h := w.Header()
	h["Etag"] = []string{v.tag}
	if status >= 300 {
		w.WriteHeader(status)
		return
	}
	h["Content-Type"] = []string{mediaType}
	h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent leaves it out with a coding
	if status == http.StatusIMUsed {
		w.WriteHeader(status)
		_, _ = w.Write(body) // the reader may have left
		return
	}
	if isKnownDate(r, v.date()) {
		v = version{tag: v.tag}
	}
	v.serveContent(w, r, body)
}

// isKnownDate reports whether r has both an outdated tag and a date that is not before t: what it gets changed within that
// second. If the answer were dated no later, libcurl would discard it as known (CURLOPT_TIMECONDITION); newsboat keeps the
// new tag all the same, and would never ask for those entries again.
func isKnownDate(r *http.Request, t time.Time) bool {
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && r.Header.Get("If-None-Match") != "" && !t.Truncate(time.Second).After(since)
}

// probe is a http.ResponseWriter that keeps only the status.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

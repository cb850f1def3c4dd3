package feed

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Conditional requests follow RFC 9110 section 13 in every dialect.
func TestConditionalGet(t *testing.T) {
	l := open(t)
	fill(t, l, 101)
	// The second of the last entry is long over, so its date identifies the version.
	setUpdated(t, l, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	const modified, later, earlier = "Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 13:00:00 GMT", "Sun, 01 Mar 2026 11:59:59 GMT"
	for _, dialect := range Dialects {
		recent, archived := get(t, l, 0, "Accept", dialect.Types[0]), get(t, l, 1, "Accept", dialect.Types[0])
		if recent.Header().Get("Last-Modified") != modified {
			t.Fatalf("Last-Modified = %q", recent.Header().Get("Last-Modified"))
		}
		etag, archivedTag := recent.Header().Get("ETag"), archived.Header().Get("ETag")
		for _, c := range []struct {
			name   string
			n      int64
			header []string
			status int
		}{
			{"unconditional", 0, nil, 200},
			{"same tag", 0, []string{"If-None-Match", etag}, 304},
			{"same tag, weak", 0, []string{"If-None-Match", "W/" + etag}, 304},
			{"list, weak", 0, []string{"If-None-Match", `"x", W/` + etag + `, "y"`}, 304},
			{"list without spaces", 0, []string{"If-None-Match", `"x",` + etag}, 304},
			{"list without it", 0, []string{"If-None-Match", `"x", "y"`}, 200},
			{"comma in a tag", 0, []string{"If-None-Match", `"x,y", ` + etag}, 304},
			{"hundreds of tags", 0, []string{"If-None-Match", strings.Repeat(`"some-other-tag", `, 999) + etag}, 304},
			{"any", 0, []string{"If-None-Match", "*"}, 304},
			{"no tag", 0, []string{"If-None-Match", strings.Trim(etag, `"`)}, 200},
			{"other tag", 0, []string{"If-None-Match", `"x"`}, 200},
			{"compressed one's tag", 0, []string{"If-None-Match", strings.TrimSuffix(etag, `"`) + `-gzip"`}, 200},
			{"same date", 0, []string{"If-Modified-Since", modified}, 304},
			{"later date", 0, []string{"If-Modified-Since", later}, 304},
			{"earlier date", 0, []string{"If-Modified-Since", earlier}, 200},
			{"date of RFC 850", 0, []string{"If-Modified-Since", "Sunday, 01-Mar-26 12:00:00 GMT"}, 304},
			{"date of asctime", 0, []string{"If-Modified-Since", "Sun Mar  1 12:00:00 2026"}, 304},
			{"malformed date", 0, []string{"If-Modified-Since", "yesterday"}, 200},
			{"tag wins over date", 0, []string{"If-None-Match", `"x"`, "If-Modified-Since", modified}, 200},
			{"tag wins over date, the other way", 0, []string{"If-None-Match", etag, "If-Modified-Since", earlier}, 304},
			{"precondition holds", 0, []string{"If-Match", etag}, 200},
			{"any precondition", 0, []string{"If-Match", "*"}, 200},
			{"weak precondition", 0, []string{"If-Match", "W/" + etag}, 412},
			{"precondition fails", 0, []string{"If-Match", `"x"`}, 412},
			{"precondition comes first", 0, []string{"If-Match", `"x"`, "If-None-Match", etag}, 412},
			{"unmodified", 0, []string{"If-Unmodified-Since", modified}, 200},
			{"modified", 0, []string{"If-Unmodified-Since", earlier}, 412},
			{"archived, same tag", 1, []string{"If-None-Match", archivedTag}, 304},
			{"archived, recent's tag", 1, []string{"If-None-Match", etag}, 200},
			{"archived, same date", 1, []string{"If-Modified-Since", archived.Header().Get("Last-Modified")}, 304},
			{"part", 1, []string{"Range", "bytes=0-9"}, 206},
			{"part of what it knows", 1, []string{"Range", "bytes=0-9", "If-Range", archivedTag}, 206},
			{"part of something else", 1, []string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200},
			{"no part", 1, []string{"Range", "bytes=99999999-"}, 416},
		} {
			name := dialect.Name + ", " + c.name
			w := get(t, l, c.n, append(c.header, "Accept", dialect.Types[0])...)
			if w.Code != c.status {
				t.Errorf("%s: %d, want %d", name, w.Code, c.status)
			}
			h := w.Header()
			if w.Code == 304 && (w.Body.Len() > 0 || h.Get("ETag") == "" || h.Get("Cache-Control") == "" || h.Get("Vary") == "" || h.Get("Content-Type") != "") {
				t.Errorf("%s: 304 with %d bytes and %v", name, w.Body.Len(), h)
			}
			if w.Code == 200 && len(h["Link"]) == 0 {
				t.Errorf("%s: no links: %v", name, h)
			}
		}
	}
}

// Every representation has a tag of its own: each dialect, each document, and each compressed form.
func TestTagsAreDifferent(t *testing.T) {
	l := open(t)
	fill(t, l, 101)
	seen := map[string]string{}
	for _, d := range Dialects {
		for n := range int64(3) {
			for _, coding := range []string{"identity", "gzip"} {
				name := fmt.Sprintf("%s %d %s", d.Name, n, coding)
				w := get(t, l, n, "Accept", d.Types[0], "Accept-Encoding", coding)
				tag := w.Header().Get("ETag")
				if seen[tag] != "" {
					t.Errorf("%s has the tag of %s", name, seen[tag])
				}
				seen[tag] = name
				if (w.Header().Get("Content-Encoding") == "gzip") != (coding == "gzip") {
					t.Errorf("%s: %v", name, w.Header())
				}
				if head := ofHead(t, l, n, d, coding); head.Header().Get("ETag") != tag || head.Header().Get("Content-Length") != w.Header().Get("Content-Length") {
					t.Errorf("%s: HEAD %v, GET %v", name, head.Header(), w.Header())
				}
			}
		}
	}
}

func ofHead(t *testing.T, l *instance, n int64, d Dialect, coding string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodHead, "http://thing.test:8080/", nil)
	r.Header.Set("Accept-Encoding", coding)
	w := httptest.NewRecorder()
	if err := l.Serve(w, r, n, d.Types[0]); err != nil || w.Code != 200 || w.Body.Len() > 0 {
		t.Fatalf("%d, %d bytes, %v", w.Code, w.Body.Len(), err)
	}
	return w
}

// Caches may keep an archived document forever, and the recent one for MaxAge, but not an answer that somebody waited for.
func TestLifetime(t *testing.T) {
	l := open(t)
	fill(t, l, 101)
	for maxAge, recent := range map[uint]string{0: "no-cache", 1: "public, max-age=1"} {
		l.MaxAge = maxAge
		for _, c := range []struct {
			n      int64
			header []string
			want   string
		}{
			{0, nil, recent},
			{2, nil, recent},
			{0, []string{"Prefer", "wait=1"}, "no-cache"},
			{1, nil, "public, max-age=31536000, immutable"},
			{1, []string{"Accept", "text/html"}, recent}, // a page of the site looks different in the next version
		} {
			w := get(t, l, c.n, c.header...)
			if got := w.Header().Get("Cache-Control"); got != c.want {
				t.Errorf("max age %d, document %d, %v: %q, want %q", maxAge, c.n, c.header, got, c.want)
			}
			if vary := w.Header().Get("Vary"); strings.Contains(vary, "A-IM, Prefer") != (c.n != 1) {
				t.Errorf("max age %d: Vary: %s", maxAge, vary)
			}
		}
	}
}

// A reader that sends both its tag and its date gets an entry of the same second without a date: libcurl discards an answer
// that is dated no later than what it has, and newsboat, which keeps the new tag, would never ask for that entry again.
func TestNoDateAgain(t *testing.T) {
	l := open(t)
	fill(t, l, 1)
	first := get(t, l, 0)
	fill(t, l, 1)
	tag, date := first.Header().Get("ETag"), first.Header().Get("Last-Modified")
	second := get(t, l, 0, "If-None-Match", tag, "If-Modified-Since", date)
	before, _ := http.ParseTime(date)
	if again, err := http.ParseTime(second.Header().Get("Last-Modified")); second.Code != 200 || err == nil && !again.After(before) {
		t.Errorf("%d, dated %v after %v", second.Code, again, before)
	}
	// The same when the second is over and only the tag differs.
	setUpdated(t, l, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	const modified, earlier = "Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 11:59:58 GMT"
	for date, want := range map[string]string{modified: "", earlier: modified} {
		if got := get(t, l, 0, "If-None-Match", tag, "If-Modified-Since", date); got.Code != 200 || got.Header().Get("Last-Modified") != want {
			t.Errorf("to who has %s: %d, dated %q, want %q", date, got.Code, got.Header().Get("Last-Modified"), want)
		}
	}
}

package feed

import (
	"net/http/httptest"
	"strings"
	"testing"

	"msatom/shared/web"
)

// A page of another origin may read the feed, in every form, if the operator has named its origin, and nothing else of the service.
func TestOrigins(t *testing.T) {
	t.Parallel()
	l := open(t)
	fill(t, l, 101)
	const listed, other = "https://dashboard.example.org", "https://evil.example"
	for _, c := range []struct {
		origins []string
		origin  string
		allowed string // Access-Control-Allow-Origin
	}{
		{nil, listed, ""},
		{[]string{listed}, listed, listed},
		{[]string{"https://first.example", listed}, listed, listed},
		{[]string{listed}, other, ""},
		{[]string{listed}, listed + ".evil.example", ""},
		{[]string{listed}, "null", ""},
		{[]string{"*"}, other, "*"},
	} {
		l.Origins = c.origins
		e := web.New(web.Options{Service: "thing", Pages: l.Pages, Ready: func() (bool, string) { return true, "" }})
		l.Routes(e, "/feed")
		ask := func(method, path string, header ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, nil)
			for i := 0; i+1 < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			return w
		}
		tag := ask("GET", "/thing/feed").Header().Get("ETag")
		for _, path := range []string{"/thing/feed", "/feed", "/thing/feed/1", "/thing/feed?lastEventId="} {
			for _, method := range []string{"GET", "HEAD"} {
				h := ask(method, path, "Origin", c.origin).Header()
				if h.Get("Access-Control-Allow-Origin") != c.allowed || c.allowed != "" && !strings.Contains(h.Get("Access-Control-Expose-Headers"), "ETag,Link") {
					t.Errorf("%v: %s %s for %s: %v", c.origins, method, path, c.origin, h)
				}
				// Apache's cache reads only the first line.
				if vary := h.Values("Vary"); len(vary) != 1 || strings.Contains(vary[0], "Origin") != (c.origins != nil) {
					t.Errorf("%v: %s %s: Vary %q", c.origins, method, path, vary)
				}
			}
			h := ask("OPTIONS", path, "Origin", c.origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "if-none-match").Header()
			if h.Get("Access-Control-Allow-Origin") != c.allowed || c.allowed != "" && h.Get("Access-Control-Allow-Headers") != "If-None-Match,If-Modified-Since,Prefer,A-IM" {
				t.Errorf("%v: preflight of %s from %s: %v", c.origins, path, c.origin, h)
			}
		}
		if w := ask("GET", "/thing/feed", "Origin", c.origin, "If-None-Match", tag); w.Code != 304 || w.Header().Get("Access-Control-Allow-Origin") != c.allowed {
			t.Errorf("%v: unchanged: %d %v", c.origins, w.Code, w.Header())
		}
		if w := ask("GET", "/thing/style.css", "Origin", c.origin); w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%v: another address: %d %v", c.origins, w.Code, w.Header())
		}
	}
}

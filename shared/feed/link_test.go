package feed

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// A client can follow the documents by the header Link alone, in any dialect.
func TestLinkHeader(t *testing.T) {
	l := open(t)
	fill(t, l, 350)
	for _, d := range Dialects {
		if d.Name == CloudEvents.Name {
			continue // its recent address is another story: httpfeeds_test.go
		}
		var walked []string
		for path := "/thing/feed"; path != ""; {
			walked = append(walked, path)
			var n int64
			fmt.Sscanf(path, "/thing/feed/%d", &n)
			r := httptest.NewRequest("HEAD", "http://thing.test:8080/", nil)
			w := httptest.NewRecorder()
			if err := l.Serve(w, r, n, d.Types[0]); err != nil {
				t.Fatal(err)
			}
			path = linked(w, "prev-archive")
		}
		if fmt.Sprint(walked) != "[/thing/feed /thing/feed/2 /thing/feed/1]" {
			t.Errorf("%s: %v", d.Name, walked)
		}
		w := get(t, l, 1, "Accept", d.Types[0])
		if linked(w, "next-archive") != "/thing/feed/2" || linked(w, "current") != "/thing/feed" {
			t.Errorf("%s: %v", d.Name, w.Header()["Link"])
		}
	}
}

// linked returns the path that the header Link has for a relation.
func linked(w *httptest.ResponseRecorder, rel string) string {
	for _, link := range w.Header()["Link"] {
		if href, ok := strings.CutSuffix(link, fmt.Sprintf(">; rel=%q", rel)); ok {
			return strings.TrimPrefix(href, "<http://thing.test:8080")
		}
	}
	return ""
}

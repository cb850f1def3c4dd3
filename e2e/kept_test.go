package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// kept checks that Apache serves an archived document from its cache after the first request, in each representation, and never the recent
// document. The instances count the requests that reach them.
func kept(t *testing.T, f fleet) {
	t.Helper()
	asked := func() int { return askedOrder(t, f, "/order/feed/:n") }
	s := visit(t, f.url())
	for _, accept := range []string{"application/atom+xml", "application/json"} {
		for _, encoding := range []string{"gzip", "identity"} {
			form := []string{"Accept", accept, "Accept-Encoding", encoding}
			// While another representation of the document is being stored, this one is not.
			var first answer
			eventually(t, fmt.Sprintf("Apache has cached %v", form), patience, func() bool {
				first = s.must(200, "GET", "/order/feed/1", "", form...)
				a, err := s.ask("GET", "/order/feed/1", "", append(form, "Cache-Control", "only-if-cached")...)
				return err == nil && a.status == 200
			})
			before := asked()
			for range 200 {
				again := s.must(200, "GET", "/order/feed/1", "", form...)
				if !bytes.Equal(again.body, first.body) || again.header.Get("Age") == "" || again.header.Get("Content-Encoding") != first.header.Get("Content-Encoding") {
					t.Fatalf("%v from the cache: %v, was %v", form, again.header, first.header)
				}
			}
			s.must(304, "GET", "/order/feed/1", "", append(form, "If-None-Match", first.header.Get("ETag"))...)
			if n := asked() - before; n > 50 { // consumers send requests for their own representation
				t.Errorf("%v: order got %d requests for a cached document", form, n)
			}
			recent := s.must(200, "GET", "/order/feed", "", form...)
			if age := recent.header.Get("Age"); age != "" {
				t.Errorf("the recent document is %s s old", age)
			}
			s.must(304, "GET", "/order/feed", "", append(form, "If-None-Match", recent.header.Get("ETag"))...)
		}
	}
}

// askedOrder returns the number of requests that the instances of order have got for a route.
func askedOrder(t *testing.T, f fleet, route string) (n int) {
	t.Helper()
	for _, i := range f.instances("order") {
		for _, m := range counted.FindAllStringSubmatch(metrics(t, f.address(i)), -1) {
			if m[2] == route {
				n += number(m[4])
			}
		}
	}
	return n
}

// keptForASecond checks that with FEED_MAX_AGE=1 most requests for the recent document are answered from Apache's cache, and that readers
// still see a new order soon.
func keptForASecond(t *testing.T, c containers) {
	c.run("cd docker && FEED_MAX_AGE=1 docker-compose up -d --no-deps --scale order=3 order")
	s := visit(t, c.url())
	eventually(t, "the recent document is cacheable for a second", patience, func() bool {
		a, err := s.ask("GET", "/order/feed", "", asAtom...)
		return err == nil && a.status == 200 && strings.Contains(a.header.Get("Cache-Control"), "max-age=1")
	})
	id := s.placeForm("1")
	forms := [][]string{
		{"Accept", "application/atom+xml", "Accept-Encoding", "gzip"}, {"Accept", "application/atom+xml", "Accept-Encoding", "identity"},
		{"Accept", "application/json", "Accept-Encoding", "gzip"}, {"Accept", "application/json", "Accept-Encoding", "identity"},
	}
	const each = 500
	before, began := askedOrder(t, c, "/order/feed"), time.Now()
	var readers sync.WaitGroup
	var mu sync.Mutex
	kept := 0
	for _, form := range forms {
		readers.Go(func() {
			reader := visit(t, c.url())
			for range each {
				a, err := reader.ask("GET", "/order/feed", "", form...)
				if err != nil || a.status != 200 {
					t.Errorf("%v: %d, %v", form, a.status, err)
				}
				if a.header.Get("Age") != "" {
					mu.Lock()
					kept++
					mu.Unlock()
				}
			}
		})
	}
	readers.Wait()
	// A copy expires each second, and while it is renewed, requests for other representations reach order too. A representation that is
	// not cached at all would be a quarter of the requests.
	all, n := each*len(forms), askedOrder(t, c, "/order/feed")-before
	most := max(all/5, 2*len(forms)*(2+int(time.Since(began)/time.Second)))
	t.Logf("%d requests within %v, %d answered from the cache; order got %d requests, including its consumers'", all, time.Since(began).Round(time.Second), kept, n)
	if kept < all-most || n > most {
		t.Errorf("of %d requests %d were answered from the cache; order got %d", all, kept, n)
	}
	for _, form := range forms[1:] {
		if form[3] == "identity" {
			eventually(t, "readers see order "+id, patience, func() bool {
				return bytes.Contains(s.must(200, "GET", "/order/feed", "", form...).body, []byte("Order "+id))
			})
		}
	}
}

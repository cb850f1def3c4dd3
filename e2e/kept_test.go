// What Apache keeps: counted by the instances, which say how often they were asked.
package e2e

import (
	"bytes"
	"testing"
)

// kept checks that an archived document is served by Apache's cache after the first request, in each form, and the recent one is not.
func kept(t *testing.T, f fleet) {
	t.Helper()
	asked := func() int { return askedOrder(t, f, "/order/feed/:n") }
	s := visit(t, f.url())
	for _, accept := range []string{"application/atom+xml", "application/json"} {
		for _, encoding := range []string{"gzip", "identity"} {
			form := []string{"Accept", accept, "Accept-Encoding", encoding}
			first := s.must(200, "GET", "/order/feed/1", "", form...)
			eventually(t, "Apache has it", patience, func() bool {
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
			if n := asked() - before; n > 50 { // the consumers, who ask in their own form, come by too
				t.Errorf("%v: order was asked %d times for what Apache has", form, n)
			}
			recent := s.must(200, "GET", "/order/feed", "", form...)
			if age := recent.header.Get("Age"); age != "" {
				t.Errorf("the recent document is %s s old", age)
			}
			s.must(304, "GET", "/order/feed", "", append(form, "If-None-Match", recent.header.Get("ETag"))...)
		}
	}
}

// askedOrder is how often the instances of order were asked for a route.
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

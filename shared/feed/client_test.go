// This file tests the http-feeds protocol from a client's point of view.
package feed_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"msatom/shared/feed"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/problem"
)

// event holds what an http-feeds client reads of an event.
type event struct {
	ID, SpecVersion, Type, Source, Subject, DataContentType string
	Time                                                    time.Time
	Data                                                    struct{ ID int }
}

// events returns the answer to a query of http-feeds.
func (s *instance) events(query string, header ...string) (list []event) {
	s.t.Helper()
	a := s.get("/thing/feed"+query, append([]string{"Accept", events}, header...)...)
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 || a.header.Get("Content-Type") != events || list == nil {
		s.t.Fatalf("%s: %d %v %v %s", query, a.status, err, a.header, a.body)
	}
	return list
}

func after(id string) string { return "?lastEventId=" + url.QueryEscape(id) }

// A client that knows only http-feeds reads from the first event by the id of the last one it got, then waits for the next.
// It asks two instances in turn, and each sees what the other has published.
func TestHTTPFeedsClient(t *testing.T) {
	database := pgtest.URL(t)
	instances := []*instance{start(t, database), start(t, database)}
	const first, all = 350, 360
	instances[0].add(1, first)
	var adding sync.WaitGroup
	defer adding.Wait()
	adding.Go(func() {
		for i := first + 1; i <= all; i++ {
			time.Sleep(30 * time.Millisecond)
			instances[i%2].add(i, i)
		}
	})
	var seen []int
	id := "null" // what a client in Python or JavaScript makes of none
	for asked := 0; len(seen) < all; asked++ {
		if asked > 50 {
			t.Fatalf("asked %d times for %d events", asked, len(seen))
		}
		begin := time.Now()
		list := instances[asked%2].events(after(id) + "&timeout=50000")
		if len(list) == 0 || len(list) > feed.DocumentSize { // none: the time was up
			t.Fatalf("%d events after %v", len(list), time.Since(begin))
		}
		for _, e := range list {
			seen, id = append(seen, e.Data.ID), e.ID
			if e.SpecVersion != "1.0" || e.Type != "example.msatom.thing.made" || e.Subject != fmt.Sprintf("/thing/%d", e.Data.ID) ||
				!strings.HasSuffix(e.Source, "/thing/feed") || e.Time.IsZero() || e.DataContentType != "application/json" {
				t.Fatalf("%+v", e)
			}
		}
	}
	for i, n := range seen {
		if n != i+1 {
			t.Fatalf("event %d is %d", i+1, n)
		}
	}
	begin := time.Now()
	if list := instances[0].events(after(id) + "&timeout=200"); len(list) != 0 || time.Since(begin) < 200*time.Millisecond {
		t.Errorf("at the end: %d events after %v", len(list), time.Since(begin))
	}
}

func TestEventsAreConditional(t *testing.T) {
	s := start(t, pgtest.URL(t))
	if list := s.events(""); len(list) != 0 {
		t.Errorf("an empty log has %v", list)
	}
	s.add(1, 150)
	list := s.events("?lastEventId=&timeout=")
	if len(list) != 100 || list[0].Data.ID != 1 {
		t.Fatalf("%d events from %d", len(list), list[0].Data.ID)
	}
	last := list[99].ID
	const immutable = "public, max-age=31536000, immutable"
	tags := map[string]bool{}
	for _, c := range []struct {
		query, control string
		events         int
	}{
		{"", "no-cache", 100}, // its address is of any log
		{after(list[0].ID), immutable, 100},
		{after(list[48].ID), immutable, 100},
		{after(list[50].ID), "no-cache", 99},
		{after(last), "no-cache", 50},
	} {
		a := s.get("/thing/feed"+c.query, "Accept", events)
		tag := a.header.Get("ETag")
		if n := strings.Count(a.body, `"specversion"`); n != c.events || a.header.Get("Cache-Control") != c.control || tags[tag] {
			t.Errorf("%s: %d events, %v", c.query, n, a.header)
		}
		tags[tag] = true
		if a := s.get("/thing/feed"+c.query, "Accept", events, "If-None-Match", tag); a.status != 304 || a.body != "" {
			t.Errorf("%s again: %d %s", c.query, a.status, a.body)
		}
	}
	link := s.get("/thing/feed"+after(last), "Accept", events).header["Link"]
	next := link[len(link)-1]
	href, ok := strings.CutSuffix(next, `>; rel="next"`)
	if !ok || len(s.events(strings.TrimPrefix(href, "<"+s.url+"/thing/feed"))) != 0 {
		t.Errorf("Link: %v", link)
	}
	// A reader of the last batch can wait for more events in it, as in any document.
	partial := s.get("/thing/feed"+after(last), "Accept", events).header.Get("ETag")
	var adding sync.WaitGroup
	defer adding.Wait()
	adding.Go(func() { time.Sleep(100 * time.Millisecond); s.add(151, 151) })
	if list := s.events(after(last), "If-None-Match", partial, "Prefer", "wait=50"); len(list) != 51 {
		t.Errorf("%d events after waiting", len(list))
	}
}

func TestBadQueries(t *testing.T) {
	s := start(t, pgtest.URL(t))
	s.add(1, 3)
	id := s.events("")[2].ID
	stem := strings.TrimSuffix(id, "3")
	foreign := "tag:msatom.example,2026:thing/01234567-89ab-cdef-0123-456789abcdef/3"
	for _, c := range []struct {
		query  string
		status int
		fields []string
	}{
		{after(id), 200, nil},
		{after(stem + "1"), 200, nil},
		{after(stem + "4"), 422, []string{"lastEventId"}},
		{after(stem + "9223372036854775807"), 422, []string{"lastEventId"}},
		{after(stem + "9223372036854775808"), 422, []string{"lastEventId"}},
		{after(stem + "0"), 422, []string{"lastEventId"}},
		{after(stem + "-1"), 422, []string{"lastEventId"}},
		{after(stem + "03"), 422, []string{"lastEventId"}},
		{after(stem + "3/3"), 422, []string{"lastEventId"}},
		{after(stem), 422, []string{"lastEventId"}},
		{after(strings.TrimSuffix(stem, "/")), 422, []string{"lastEventId"}},
		{after(strings.Replace(id, "thing", "order", 1)), 422, []string{"lastEventId"}},
		{after("3"), 422, []string{"lastEventId"}},
		{after("\x00\xff"), 422, []string{"lastEventId"}},
		{after(strings.Repeat("x", 50_000)), 422, []string{"lastEventId"}},
		{after(foreign), 410, nil},
		{"?timeout=-1", 422, []string{"timeout"}},
		{"?timeout=5s", 422, []string{"timeout"}},
		{"?timeout=1.5", 422, []string{"timeout"}},
		{"?timeout=%2B5", 422, []string{"timeout"}},
		{"?timeout=null&lastEventId=x", 422, []string{"lastEventId", "timeout"}},
		{"?timeout=0&lastEventId=%zz", 422, []string{"query"}},
		{"?timeout=99999999999999999999999999", 200, nil}, // there is something: no waiting
		{after(id) + "&timeout=0", 200, nil},
	} {
		a := s.get("/thing/feed"+c.query, "Accept", events)
		if a.status != c.status {
			t.Errorf("%.80s: %d %s", c.query, a.status, a.body)
		}
		if c.status == 200 {
			continue
		}
		var p problem.Error
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" || len(a.body) > 500 {
			t.Errorf("%.80s: %v %v %.500s", c.query, err, a.header, a.body)
		}
		var fields []string
		for _, f := range p.Fields {
			fields = append(fields, f.Name)
		}
		if slices.Sort(fields); !slices.Equal(fields, c.fields) || c.status == 410 && !strings.Contains(p.Detail, "lastEventId") {
			t.Errorf("%.80s: %s", c.query, a.body)
		}
	}
	// However long a client prefers to wait, it gets an answer before the server's own limit.
	if feed.MaxWait >= 55*time.Second {
		t.Error("MaxWait is longer than a request may take")
	}
}

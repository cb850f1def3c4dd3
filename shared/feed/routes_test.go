package feed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"msatom/shared/feed"
	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/web"
)

const (
	events    = "application/cloudevents-batch+json"
	maxHeader = 64 << 10 // bytes that a server reads, as in web.Serve
)

// instance is an instance of a service that publishes things.
type instance struct {
	t   testing.TB
	db  *postgres.DB
	log *outbox.Log
	url string
}

func start(t testing.TB, database string) *instance {
	t.Helper()
	db := pgtest.At(t, database, outbox.Migration())
	pages := page.New("thing", "thing-test", feed.Page)
	log := outbox.New(db)
	published := feed.New(log, feed.About{
		Name: "thing", Path: "/thing/feed", Home: "/thing/", Title: "Things", Subtitle: "All things", Author: "Tester", Pages: pages,
		Describe: func(e outbox.Entry) (string, string, string) {
			return fmt.Sprintf("Thing %d", e.Subject), "A thing", fmt.Sprintf("/thing/%d", e.Subject)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); log.Run(ctx) }()
	e := web.New(web.Options{Service: "thing", Instance: "thing-test", Pages: pages, Ready: func() (bool, string) { return true, "" }})
	published.Routes(e, "/feed")
	server := httptest.NewUnstartedServer(e)
	server.Config.MaxHeaderBytes = maxHeader
	server.Start()
	t.Cleanup(func() { cancel(); <-done; server.Close() })
	s := &instance{t, db, log, server.URL}
	s.publish()
	return s
}

// publish publishes what was added, even if that takes longer than Publish waits.
func (s *instance) publish() {
	s.t.Helper()
	err := s.log.Publish(s.t.Context())
	for errors.Is(err, context.DeadlineExceeded) {
		err = s.log.Publish(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// add publishes events about the things from first to last.
func (s *instance) add(first, last int) {
	s.t.Helper()
	for i := first; i <= last; i++ {
		if err := s.log.Append(s.db.DB, outbox.Event{Subject: int64(i), Kind: "made", Snapshot: fmt.Appendf(nil, `{"id":%d}`, i)}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.publish()
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (s *instance) get(path string, header ...string) reply {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{w.StatusCode, w.Header, string(b)}
}

func TestAddresses(t *testing.T) {
	s := start(t, pgtest.URL(t))
	s.add(1, 150)
	for _, c := range []struct{ path, accept, contentType string }{
		{"/thing/feed", "", "application/atom+xml"},
		{"/thing/feed", "*/*", "application/atom+xml"},
		{"/feed", "*/*", "application/atom+xml"},
		{"/thing/feed", "application/atom+xml,application/rss+xml;q=0.9,*/*;q=0.1", "application/atom+xml"},
		{"/thing/feed", "application/rss+xml, application/xml;q=0.9", "application/rss+xml"},
		{"/thing/feed", "text/xml", "text/xml"},
		{"/thing/feed", "application/json", "application/json"},
		{"/thing/feed/1", "application/feed+json", "application/feed+json"},
		{"/thing/feed/1", events, events},
		{"/thing/feed", events, events},
		{"/feed", events, events},
		{"/thing/feed/2", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"},
		{"/thing/feed?timeout=0", "", events},
		{"/thing/feed?lastEventId=", "*/*", events},
		{"/thing/feed?timeout=0", "application/json, application/*+json", "application/json"},
	} {
		a := s.get(c.path, "Accept", c.accept)
		vary := "Accept, Accept-Encoding"
		if c.path != "/thing/feed/1" { // not archived
			vary += ", A-IM, Prefer"
		}
		if a.status != 200 || a.header.Get("Content-Type") != c.contentType || a.header.Get("Vary") != vary {
			t.Errorf("%s as %q: %d %v", c.path, c.accept, a.status, a.header)
		}
	}
	if a, b := s.get("/thing/feed"), s.get("/feed"); a.body != b.body {
		t.Error("the alias is another feed")
	}
}

// Documents that do not exist are 404 in every dialect, and an excessive Accept is refused.
func TestNothingThere(t *testing.T) {
	s := start(t, pgtest.URL(t))
	s.add(1, 101)
	var mediaTypes []string
	for _, d := range feed.Dialects {
		mediaTypes = append(mediaTypes, d.Types...)
	}
	for _, mediaType := range mediaTypes {
		for _, n := range []string{"0", "3", "-1", "01", "+1", "1.0", "1e0", "x", "recent", "%20", "1%00", "9223372036854775807", "92233720368547758", "9223372036854775808", strings.Repeat("9", 5000)} {
			a := s.get("/thing/feed/"+n, "Accept", mediaType)
			want := "application/problem+json"
			if mediaType == web.HTML {
				want = "text/html; charset=UTF-8"
			}
			if a.status != 404 || a.header.Get("Content-Type") != want || a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag")+a.header.Get("Link") != "" || len(a.body) > 5000 {
				t.Errorf("%.30s as %s: %d %v %.300s", n, mediaType, a.status, a.header, a.body)
			}
		}
	}
	for _, path := range []string{"/thing/feed", "/thing/feed/1", "/thing/feed?timeout=0"} {
		for _, accept := range []string{strings.Repeat("text/html,", 5000), "image/png", "x"} {
			if a := s.get(path, "Accept", accept); a.status != 406 || len(a.body) > 500 {
				t.Errorf("%s as %.20s: %d %.300s", path, accept, a.status, a.body)
			}
		}
		if a := s.get(path, "Accept", strings.Repeat("text/html,", 10_000)); a.status != 431 {
			t.Errorf("%s with an Accept of 100 KB: %d", path, a.status)
		}
	}
	for _, accept := range []string{"application/atom+xml", "text/html"} {
		if a := s.get("/thing/feed"+"?lastEventId=", "Accept", accept); a.status != 406 {
			t.Errorf("events as %s: %d", accept, a.status)
		}
	}
}

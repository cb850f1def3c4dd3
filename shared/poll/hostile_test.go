package poll

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// atomFeed is a feed as the Java original writes it: all orders in one document, no links between documents.
func atomFeed(links string, entries ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Order</title><id>tag:ewolff.com/microservice-atom/order</id>` + links +
		strings.Join(entries, "") + `</feed>`
}

func atomEntry(id int, updated, src string) string {
	return fmt.Sprintf(`<entry><title>Order %d</title><id>tag:ewolff.com/microservice-atom/order/%d</id><updated>%s</updated>
<content type="application/json" src="%s" /><summary>This is the order %d</summary></entry>`, id, id, updated, src, id)
}

// Every feed that cannot be right is refused with a reason; nothing is written, and the next poll starts where this one did.
func TestHostileFeeds(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":1,"value":"stolen"}`)
	}))
	defer elsewhere.Close()
	json := func(positions ...int) string {
		items := ""
		for i, p := range positions {
			if i > 0 {
				items += ","
			}
			items += fmt.Sprintf(`{"id":"e%d","date_modified":"2026-01-01T00:00:00Z","_msatom":{"position":%d,"subject":%d,"snapshot":{"id":%d,"value":"a"}}}`, p, p, p, p)
		}
		return fmt.Sprintf(`{"_msatom":{"epoch":"tag:x,2026:log","head":%d,"links":{}},"items":[%s]}`, positions[0], items)
	}
	for _, c := range []struct {
		name  string
		serve http.HandlerFunc
		want  string // in the error
	}{
		{"not XML", text("application/atom+xml", "hello"), "not an Atom document"},
		{"truncated", text("application/atom+xml", atomFeed("", atomEntry(1, "2026-01-01T00:00:00Z", "/1"))[:300]), "not an Atom document"},
		{"HTML", text("text/html", "<!DOCTYPE html><html><p>Welcome"), "not an Atom document"},
		{"entry without id", text("application/atom+xml", atomFeed("", "<entry><title>x</title></entry>")), "no id"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">`)
			for chunk := bytes.Repeat([]byte("<title>x</title>"), 4096); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "longer than 1 MiB"},
		{"never ends to arrive", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0"?><feed>`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "deadline exceeded"},
		{"prev-archive in a circle", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, atomFeed(`<link rel="prev-archive" href="/b"/>`, atomEntry(len(r.URL.Path), "2026-01-01T00:00:00Z", "/1")))
		}, "circle"},
		{"prev-archive elsewhere", text("application/atom+xml", atomFeed(`<link rel="prev-archive" href="`+elsewhere.URL+`/"/>`, atomEntry(1, "2026-01-01T00:00:00Z", "/1"))), "leads away"},
		{"JSON elsewhere", text("application/atom+xml", atomFeed(`<link rel="alternate" type="application/json" href="`+elsewhere.URL+`/"/>`)), "leads away"},
		{"JSON that is offered and not there", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/none" {
				http.NotFound(w, r)
				return
			}
			text("application/atom+xml", atomFeed(`<link rel="alternate" type="application/json" href="/none"/>`))(w, r)
		}, "404"},
		{"content elsewhere", text("application/atom+xml", atomFeed("", atomEntry(1, "2026-01-01T00:00:00Z", elsewhere.URL))), "leads away"},
		{"content is a file", text("application/atom+xml", atomFeed("", atomEntry(1, "2026-01-01T00:00:00Z", "file:///etc/passwd"))), "leads away"},
		{"redirected elsewhere", http.RedirectHandler(elsewhere.URL, 302).ServeHTTP, "leads away"},
		{"redirected in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/feed", 302) }, "more than 3 redirects"},
		{"gone", http.NotFound, "404 Not Found"},
		{"down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "503"},
		{"304 that was not asked for", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "304"},
		{"a position is missing", offering(json(4, 2, 1)), "position"},
		{"a position stands twice", offering(json(3, 2, 2, 1)), "position"},
		{"the beginning is missing", offering(json(9, 8)), "begins at position 8, but 1"},
		{"JSON that is none", offering("{"), "not a JSON document"},
		{"JSON of something else", offering(`{"version":"https://jsonfeed.org/version/1.1","items":[]}`), "no epoch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.serve)
			defer server.Close()
			p := follow(t, consumerDB(t), server.URL+"/feed")
			p.client.limit = 1 << 20
			if c.want == "deadline exceeded" {
				p.client.patience = 300 * time.Millisecond
			}
			_, err := p.Poll(context.Background())
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if got := p.records(t); got != "" {
				t.Errorf("written: %s", got)
			}
			if at := p.count(t, "SELECT position FROM poll_cursor"); at != 0 {
				t.Errorf("cursor at %d", at)
			}
			if p.had.etag != "" || p.State().Error == "" {
				t.Errorf("%+v, state %+v", p.had, p.State())
			}
		})
	}
}

func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		if w.Header().Get("ETag") == "" {
			w.Header().Set("ETag", `"x"`)
		}
		fmt.Fprint(w, body)
	}
}

// offering serves Atom that offers JSON, and that JSON.
func offering(json string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Accept"), "application/atom+xml") {
			text("application/atom+xml", atomFeed(`<link rel="alternate" type="application/json" href="/feed"/>`))(w, r)
			return
		}
		text("application/json", json)(w, r)
	}
}

// The feed of the Java original loses nothing here either: not orders of one second, nor behind one that cannot be read, nor an
// older one that appears late.
func TestTheOriginalsFeed(t *testing.T) {
	const second = "2026-01-01T10:00:00Z"
	entries := []string{atomEntry(1, second, "/order/1"), atomEntry(2, second, "/order/2"), atomEntry(3, second, "/order/3")}
	records := map[string]string{"/order/1": `{"id":1,"value":"a"}`, "/order/2": "no JSON", "/order/3": `{"id":3,"value":"a"}`}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if etag := fmt.Sprintf(`"%d"`, len(entries)); r.URL.Path == "/feed" {
			w.Header().Set("ETag", etag)
			if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(304)
				return
			}
			text("application/atom+xml;charset=UTF-8", atomFeed("", entries...))(w, r)
		} else if body, ok := records[r.URL.Path]; ok && r.Header.Get("Accept") == "application/json" {
			fmt.Fprint(w, body)
		} else {
			w.WriteHeader(500)
		}
	}))
	defer server.Close()
	db := consumerDB(t)
	c := follow(t, db, server.URL+"/feed")
	if r := c.poll(t); r != (Result{Written: 2, Parked: 1}) {
		t.Errorf("first: %+v", r)
	}
	if r := c.poll(t); r != (Result{NotModified: true}) {
		t.Errorf("nothing new: %+v", r)
	}
	entries = append(entries, atomEntry(5, second, "/order/5"), atomEntry(4, "2026-01-01T09:00:00Z", "/order/4"), atomEntry(1, "2026-01-01T11:00:00Z", "/order/1"))
	records["/order/4"], records["/order/1"] = `{"id":4,"value":"late"}`, `{"id":1,"value":"changed"}`
	if r := c.poll(t); r != (Result{Written: 2, Parked: 1}) {
		t.Errorf("second: %+v", r)
	}
	records["/order/2"], records["/order/5"] = `{"id":2,"value":"b"}`, `{"id":5,"value":"b"}`
	c.now = c.now.Add(time.Hour)
	c.poll(t)
	if got, want := c.records(t), "1=changed 2=b 3=a 4=late 5=b"; got != want {
		t.Errorf("records %s, want %s", got, want)
	}
	if r := follow(t, db, server.URL+"/feed").poll(t); r.Written+r.Parked != 0 {
		t.Errorf("another instance: %+v", r)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		in   string
		want time.Duration
	}{
		{"", 0}, {"7", 7 * time.Second}, {"-1", 0}, {"999999999", time.Hour}, {"soon", 0},
		{"Thu, 01 Jan 2026 00:01:00 GMT", time.Minute}, {"Wed, 31 Dec 2025 00:00:00 GMT", 0}, {"Fri, 01 Jan 2027 00:00:00 GMT", time.Hour},
	} {
		if got := retryAfter(c.in, now); got != c.want {
			t.Errorf("retryAfter(%q) = %v, want %v", c.in, got, c.want)
		}
	}
}

// Pauses grow up to half a minute and differ between instances; a wish of the other side is honoured.
func TestPauses(t *testing.T) {
	p := &Poller{}
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		p.state.Failures = failures
		again, atLeast := p.pauseAfter(errors.New("down"))
		if again < want*3/4 || again > want*5/4 || atLeast != 0 {
			t.Errorf("after %d failures: %v, %v", failures, again, atLeast)
		}
	}
	if again, atLeast := p.pauseAfter(&StatusError{Status: 503, RetryAfter: 2 * time.Minute}); again != 2*time.Minute || atLeast != 2*time.Minute {
		t.Errorf("Retry-After: %v, %v", again, atLeast)
	}
}

// Run polls at once, again when polls fail, and ends with its context.
func TestRun(t *testing.T) {
	polled := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		polled <- struct{}{}
		w.WriteHeader(500)
	}))
	defer server.Close()
	c := follow(t, consumerDB(t), server.URL+"/feed")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	for range 2 {
		<-polled
	}
	cancel()
	<-done
	if c.State().Failures < 1 {
		t.Errorf("state %+v", c.State())
	}
}

func TestConfiguration(t *testing.T) {
	for _, c := range []struct{ url, schedule, want string }{
		{"http://order:8080/order/feed", "@every 30s", ""},
		{"http://order:8080/order/feed", "*/5 * * * *", ""},
		{"http://order:8080/order/feed", "often", "POLL_SCHEDULE"},
		{"http://order:8080/order/feed", "TZ=", "POLL_SCHEDULE"},
		{"order:8080/feed", "@every 30s", "FEED_URL"},
		{"", "@every 30s", "FEED_URL"},
	} {
		_, err := New(nil, Config{Source: Source{FeedURL: c.url, Schedule: c.schedule}}, nil)
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q, %q: %v, want %q", c.url, c.schedule, err, c.want)
		}
	}
}

// Documents whose next-archive links go in a circle are each taken in once, and then the circle is noticed.
func TestNextDocumentsInACircle(t *testing.T) {
	document := func(next string, last, first int) string {
		items := []string{}
		for p := last; p >= first; p-- {
			items = append(items, fmt.Sprintf(`{"id":"e%d","date_modified":"2026-01-01T00:00:00Z","_msatom":{"position":%d,"subject":%d,"snapshot":{"id":%d,"value":"a"}}}`, p, p, p, p))
		}
		return fmt.Sprintf(`{"_msatom":{"epoch":"tag:x,2026:log","head":%d,"links":{"first":"/1",%s}},"items":[%s]}`, last, next, strings.Join(items, ","))
	}
	documents := map[string]string{"/1": document(`"next-archive":"/2"`, 2, 1), "/2": document(`"next-archive":"/1"`, 4, 3)}
	recent := offering(document(`"prev-archive":"/2"`, 6, 5))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, ok := documents[r.URL.Path]; ok {
			text("application/json", d)(w, r)
			return
		}
		recent(w, r)
	}))
	defer s.Close()
	p := follow(t, consumerDB(t), s.URL+"/feed")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := p.Poll(ctx); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("error %v", err)
	}
	if got := p.records(t); got != "1=a 2=a 3=a 4=a" {
		t.Errorf("written: %s", got)
	}
}

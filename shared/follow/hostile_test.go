package follow

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

	"github.com/robfig/cron/v3"
)

// atomFeed is a foreign feed, as the Java original writes it: all records in one document, no links between documents.
func atomFeed(links string, entries ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Order</title><id>tag:ewolff.com/microservice-atom/order</id>` + links +
		strings.Join(entries, "") + `</feed>`
}

func atomEntry(id int, updated, src string) string {
	return fmt.Sprintf(`<entry><title>Order %d</title><id>tag:ewolff.com/microservice-atom/order/%d</id><updated>%s</updated>
<content type="application/json" src="%s" /><summary>This is the order %d</summary></entry>`, id, id, updated, src, id)
}

// A feed that cannot be right is refused with a reason. Nothing is saved, and the next poll starts where this one did.
func TestHostileFeeds(t *testing.T) {
	t.Parallel()
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
		}, "longer than 4 MiB"},
		{"too many elements", text("application/atom+xml", atomFeed("", strings.Repeat("<entry/>", 20_000))), "too many elements"},
		{"nested too deeply", text("application/atom+xml", atomFeed("", "<entry>"+strings.Repeat("<x>", 16_000))), "nested too deeply"},
		{"nested too deeply behind texts that look like ends", text("application/atom+xml", atomFeed("", "<entry>"+strings.Repeat("<x a='/>'>", 16_000))), "nested too deeply"},
		{"nested too deeply in another encoding", text("application/atom+xml", strings.Replace(atomFeed("", "<entry>"+strings.Repeat("<x>", 16_000)), "UTF-8", "ISO-8859-1", 1)), "not well-formed UTF-8"},
		{"too many items", text("application/json", `{"_msatom":{"epoch":"tag:x,2026:log"},"items":[`+strings.Repeat("0,", 50_000)+`0]}`), "too many elements"},
		{"too many values in an entry", text("application/atom+xml", atomFeed("", `<entry><id>x</id><ev:event xmlns:ev="tag:msatom.example,2026:event" position="1" subject="1">{"l":[`+
			strings.Repeat("0,", 20_000)+`0]}</ev:event></entry>`)), "too many elements"},
		{"JSON nested too deeply", text("application/json", strings.Repeat("[", 16_000)), "not a JSON document"},
		{"never ends", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0"?><feed>`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "deadline exceeded"},
		{"prev-archive in a circle", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, atomFeed(`<link rel="prev-archive" href="/b"/>`, atomEntry(len(r.URL.Path), "2026-01-01T00:00:00Z", "/1")))
		}, "circle"},
		{"prev-archive elsewhere", text("application/atom+xml", atomFeed(`<link rel="prev-archive" href="`+elsewhere.URL+`/"/>`, atomEntry(1, "2026-01-01T00:00:00Z", "/1"))), "leads away"},
		{"redirected elsewhere", http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP, "leads away"},
		{"redirected in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/feed", http.StatusFound) }, "more than 3 redirects"},
		{"gone", http.NotFound, "404 Not Found"},
		{"down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "503"},
		{"304 that was not asked for", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "304"},
		{"a position is missing", text("application/json", json(4, 2, 1)), "position"},
		{"a position comes twice", text("application/json", json(3, 2, 2, 1)), "position"},
		{"the beginning is missing", text("application/json", json(9, 8)), "begins at position 8, but 1"},
		{"not JSON", text("application/json", "{"), "not a JSON document"},
		{"JSON Feed of something else", text("application/json", `{"version":"https://jsonfeed.org/version/1.1","items":[]}`), "no epoch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.serve)
			defer server.Close()
			p := follow(t, consumerDB(t), server.URL+"/feed")
			p.client.limit = 4 << 20
			if c.want == "deadline exceeded" {
				p.client.timeout = 300 * time.Millisecond
			}
			_, err := p.Poll(context.Background())
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if got := p.records(t); got != "" {
				t.Errorf("written: %s", got)
			}
			if at := p.count(t, "SELECT position FROM follow_cursor"); at != 0 {
				t.Errorf("cursor at %d", at)
			}
			if p.known.etag != "" || p.State().Error == "" {
				t.Errorf("%+v, state %+v", p.known, p.State())
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

func TestRetryAfter(t *testing.T) {
	t.Parallel()
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

// The backoff grows up to half a minute and differs between instances; Retry-After is honoured.
func TestBackoff(t *testing.T) {
	t.Parallel()
	p := &Follower{schedule: cron.Every(time.Hour)}
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		p.state.Failures = failures
		if got := p.pauseAfter(errors.New("down")); got < want*3/4 || got > want*5/4 {
			t.Errorf("after %d failures: %v", failures, got)
		}
	}
	if got := p.pauseAfter(&StatusError{Status: 503, RetryAfter: 2 * time.Minute}); got != 2*time.Minute {
		t.Errorf("Retry-After: %v", got)
	}
	if got := p.pauseAfter(nil); got < time.Hour-time.Second || got > time.Hour {
		t.Errorf("after a success: %v", got)
	}
	p.schedule = cron.Every(5 * time.Second)
	if got := p.pauseAfter(errors.New("down")); got > 5*time.Second {
		t.Errorf("the schedule comes before the backoff ends: %v", got)
	}
}

// Run polls at once, again after a failure, and ends with its context.
func TestRun(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	for _, c := range []struct{ url, schedule, want string }{
		{"http://order:8080/order/feed", "@every 30s", ""},
		{"http://order:8080/order/feed", "*/5 * * * *", ""},
		{"http://order:8080/order/feed", "often", "POLL_SCHEDULE"},
		{"http://order:8080/order/feed", "TZ=", "POLL_SCHEDULE"},
		{"http://order:8080/order/feed", "0 0 31 2 *", "POLL_SCHEDULE"},
		{"order:8080/feed", "@every 30s", "FEED_URL"},
		{"", "@every 30s", "FEED_URL"},
		{"http://reader:secret@order:8080/order/feed", "@every 30s", "FEED_URL"},
		{"reader:secret@order:8080/order/feed", "@every 30s", "FEED_URL"},
	} {
		_, err := New(nil, Config{FeedURL: c.url, Schedule: c.schedule, Names: Names{FeedURL: "FEED_URL", Schedule: "POLL_SCHEDULE"}})
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) || strings.Contains(got, "secret") {
			t.Errorf("%q, %q: %v, want %q", c.url, c.schedule, err, c.want)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "reader" || password != "se:cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(s.Close)
	for login, want := range map[string]string{"reader:se:cret": "<nil>", "reader:wrong": s.URL + " answered 401 Unauthorized", "": s.URL + " answered 401 Unauthorized"} {
		c, err := newClient(s.URL, login, acceptJSON, "test", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.content(t.Context(), s.URL); fmt.Sprint(err) != want {
			t.Errorf("%q: %v, want %s", login, err, want)
		}
	}
	if _, err := newClient(s.URL, "secret", acceptJSON, "test", 0); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a login without a user: %v", err)
	}
}

// Documents whose next-archive links go in a circle are each processed once; then the circle is noticed.
func TestNextDocumentsInACircle(t *testing.T) {
	t.Parallel()
	document := func(next string, last, first int) string {
		items := []string{}
		for p := last; p >= first; p-- {
			items = append(items, fmt.Sprintf(`{"id":"e%d","date_modified":"2026-01-01T00:00:00Z","_msatom":{"position":%d,"subject":%d,"snapshot":{"id":%d,"value":"a"}}}`, p, p, p, p))
		}
		return fmt.Sprintf(`{"_msatom":{"epoch":"tag:x,2026:log","head":%d,"links":{"first":"/1",%s}},"items":[%s]}`, last, next, strings.Join(items, ","))
	}
	documents := map[string]string{"/1": document(`"next-archive":"/2"`, 2, 1), "/2": document(`"next-archive":"/1"`, 4, 3)}
	recent := text("application/json", document(`"prev-archive":"/2"`, 6, 5))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, ok := documents[r.URL.Path]; ok {
			text("application/json", d)(w, r)
			return
		}
		recent(w, r)
	}))
	defer s.Close()
	p := follow(t, consumerDB(t), s.URL+"/feed")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := p.Poll(ctx); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("error %v", err)
	}
	if got := p.records(t); got != "1=a 2=a 3=a 4=a" {
		t.Errorf("written: %s", got)
	}
}

package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/outbox"
	"msatom/shared/postgres/pgtest"
)

// ask sends a conditional GET of the recent document that prefers to wait. The answer arrives on the channel.
func ask(t testing.TB, ctx context.Context, l *instance, etag, prefer string) <-chan *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "http://thing.test/thing/feed", nil).WithContext(ctx)
	r.Header.Set("If-None-Match", etag)
	r.Header.Set("Prefer", prefer)
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		if err := l.Serve(w, r, 0, "application/json"); err != nil {
			t.Error(err)
		}
		answer <- w
	}()
	return answer
}

// Two thousand readers wait at one instance while another publishes. All of them get the entry, rendered once.
func TestWaitersAreWokenByAnyInstance(t *testing.T) {
	url := pgtest.URL(t)
	one, two := run(t, pgtest.At(t, url, outbox.Migration())), run(t, pgtest.At(t, url, outbox.Migration()))
	etag := get(t, one, 0, "Accept", "application/json").Header().Get("ETag")
	const readers = 2000
	var answers []<-chan *httptest.ResponseRecorder
	for range readers {
		answers = append(answers, ask(t, t.Context(), one, etag, "wait=50"))
	}
	until(t, "waiting", func() bool { return waiting(one) == readers })
	fill(t, two, 1)
	for i, a := range answers {
		w := <-a
		if w.Code != 200 || w.Header().Get("ETag") == etag || w.Header().Get("Preference-Applied") != "wait=50" {
			t.Fatalf("reader %d: %d, %v", i, w.Code, w.Header())
		}
	}
	if n := len(one.cache.byAge); n != 2 { // the empty document and the one with the entry
		t.Errorf("%d documents were rendered", n)
	}
}

func TestWaitingEnds(t *testing.T) {
	l := newInstance(pgtest.Open(t, outbox.Migration()), about)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	publish(t, l)
	etag := get(t, l, 0, "Accept", "application/json").Header().Get("ETag")

	if w := <-ask(t, t.Context(), l, etag, "wait=1"); w.Code != 304 || w.Header().Get("Preference-Applied") != "wait=1" {
		t.Errorf("when the time is up: %d %v", w.Code, w.Header())
	}
	gone, leave := context.WithCancel(t.Context())
	a := ask(t, gone, l, etag, "wait=50")
	until(t, "waiting", func() bool { return waiting(l) == 1 })
	leave()
	if w := <-a; w.Code != 304 {
		t.Errorf("when the reader leaves: %d", w.Code)
	}
	a = ask(t, t.Context(), l, etag, "wait=50")
	until(t, "waiting", func() bool { return waiting(l) == 1 })
	stop()
	running.Wait()
	if w := <-a; w.Code != 304 {
		t.Errorf("when the service stops: %d", w.Code)
	}
}

// A request waits longer than the server's read timeout, and ends at once when its reader disconnects.
func TestWaitingOnAConnection(t *testing.T) {
	t.Parallel()
	l := open(t)
	etag := get(t, l, 0, "Accept", "application/json").Header().Get("ETag")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := l.Serve(w, r, 0, "application/json"); err != nil {
			t.Error(err)
		}
	}))
	server.Config.ReadTimeout = 3 * time.Second // enough for a busy machine to read the head of a request
	server.Start()
	defer server.Close()
	wait := func(ctx context.Context, seconds string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"If-None-Match": {etag}, "Prefer": {"wait=" + seconds}, "Accept-Encoding": {"identity"}}
		return http.DefaultClient.Do(r)
	}
	began := time.Now()
	res, err := wait(t.Context(), "4")
	if err != nil || res.StatusCode != http.StatusNotModified || time.Since(began) < 4*time.Second {
		t.Errorf("%v, %v after %v; want 304 after four seconds", res, err, time.Since(began))
	}
	ctx, leave := context.WithCancel(t.Context())
	var left sync.WaitGroup
	left.Go(func() {
		if _, err := wait(ctx, "50"); err == nil {
			t.Error("a reader that left got a response")
		}
	})
	until(t, "waiting", func() bool { return waiting(l) == 1 })
	leave()
	left.Wait()
	until(t, "no longer waiting", func() bool { return waiting(l) == 0 })
}

// A reader that lacks the newest document gets it at once. An archived document is not waited on, since it never changes.
func TestNothingToWaitFor(t *testing.T) {
	l := open(t)
	fill(t, l, 101)
	for _, c := range []struct {
		n       int64
		etag    string
		applied string
		status  int
	}{
		{0, "", "wait=50", 200},
		{0, `"other"`, "wait=50", 200},
		{1, get(t, l, 1).Header().Get("ETag"), "", 304},
	} {
		w := get(t, l, c.n, "If-None-Match", c.etag, "Prefer", "wait=50")
		if w.Code != c.status || w.Header().Get("Preference-Applied") != c.applied {
			t.Errorf("document %d, tag %s: %d %v", c.n, c.etag, w.Code, w.Header())
		}
	}
}

func TestPreferredWait(t *testing.T) {
	for _, c := range []struct {
		prefer []string
		want   time.Duration
	}{
		{nil, 0}, {[]string{"wait=25"}, 25 * time.Second}, {[]string{"respond-async, WAIT=25"}, 25 * time.Second},
		{[]string{`wait="7"; x=y`}, 7 * time.Second}, {[]string{"return=minimal", "wait=3"}, 3 * time.Second},
		{[]string{"wait=2", "wait=9"}, 2 * time.Second}, {[]string{"wait=999999"}, MaxWait}, {[]string{"wait=0"}, 0},
		{[]string{"wait=-1"}, 0}, {[]string{"wait=99999999999999999999"}, 0}, {[]string{"wait"}, 0}, {[]string{"wait=soon"}, 0}, {[]string{"await=5"}, 0},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Prefer"] = c.prefer
		if d, ok := preferredWait(r); ok != (c.want > 0) || ok && d != c.want {
			t.Errorf("%q: %v, %t; want %v", c.prefer, d, ok, c.want)
		}
	}
}

// The compressed document is the same document under a tag of its own.
func TestGzip(t *testing.T) {
	l := open(t)
	fill(t, l, 150)
	for n := range int64(2) {
		plain, zipped := get(t, l, n), get(t, l, n, "Accept-Encoding", "gzip")
		if plain.Header().Get("ETag") == zipped.Header().Get("ETag") || zipped.Header().Get("Content-Length") != strconv.Itoa(zipped.Body.Len()) {
			t.Errorf("document %d: %v and %v", n, plain.Header(), zipped.Header())
		}
		if w := get(t, l, n, "Accept-Encoding", "gzip", "If-None-Match", zipped.Header().Get("ETag")); w.Code != 304 || w.Header().Get("Content-Encoding") != "" {
			t.Errorf("document %d, its own tag: %d %v", n, w.Code, w.Header())
		}
		r, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(unzipped, plain.Body.Bytes()) {
			t.Errorf("document %d differs when it is unzipped: %v", n, err)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "deflate, gzip;q=0.5": true, "GZIP": true, "gzip;q=0": false, "gzip; q=0.000": false, "*": true,
		"*;q=0": false, "identity": false, "gzip;q=0, *": false, "*;q=0, gzip": true, "br": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if got := acceptsGzip(r); got != want {
			t.Errorf("acceptsGzip(%q) = %t", header, got)
		}
	}
}

// Others may wait for the rendering that one reader has started. They get it even if that reader leaves.
func TestAReaderLeavesBehindWhatItAskedFor(t *testing.T) {
	db := pgtest.Open(t, outbox.Migration())
	asking, leave := context.WithCancel(t.Context())
	if err := db.Callback().Row().Before("*").Register("leave", func(tx *gorm.DB) {
		if strings.Contains(tx.Statement.SQL.String(), "outbox_event") { // it is about to read the entries
			leave()
		}
	}); err != nil {
		t.Fatal(err)
	}
	l := run(t, db)
	fill(t, l, 10)
	w := httptest.NewRecorder()
	err := l.Serve(w, httptest.NewRequest("GET", "/", nil).WithContext(asking), 0, "application/atom+xml")
	if err != nil || w.Code != 200 || asking.Err() == nil || len(l.cache.kept) != 1 {
		t.Errorf("%d, %v, %v, %d kept", w.Code, err, asking.Err(), len(l.cache.kept))
	}
}

// The cache stays within its bound, however many documents there are, and keeps the newest.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache()
	document := make([]byte, maxCache/32)
	for i := range 40 {
		_, err := c.get(strconv.Itoa(i), func() (*rendering, error) { return &rendering{plain: document}, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if c.size > maxCache || len(c.kept) != 32 || len(c.byAge) != 32 {
		t.Errorf("%d bytes of %d documents", c.size, len(c.kept))
	}
	if c.peek("39") == nil || c.peek("7") != nil {
		t.Error("the newest is not kept, or the oldest is")
	}
	if _, err := c.get("large", func() (*rendering, error) { return &rendering{plain: make([]byte, maxCache/4+1)}, nil }); err != nil || c.peek("large") != nil {
		t.Error("a document is kept that would evict a quarter of the others")
	}
}

// waiting returns how many requests wait at an instance.
func waiting(l *instance) int { return int(l.waiting.Load()) }

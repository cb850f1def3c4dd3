package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Tests of Apache's configuration with backends of the test behind it: what reaches them, and what clients get when they fail.

// backend stands for an instance of a service. It records requests and answers as the test wants.
type backend struct {
	*httptest.Server
	name   string
	answer http.HandlerFunc

	mu      sync.Mutex
	asked   []*http.Request
	checked int // health checks received
}

func newBackend(t *testing.T, name string) *backend {
	b := &backend{name: name, answer: func(w http.ResponseWriter, r *http.Request) {}}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Instance", name)
		io.Copy(io.Discard, r.Body)
		b.mu.Lock()
		if r.URL.Path == "/readyz" {
			b.checked++
			b.mu.Unlock()
			return
		}
		b.asked = append(b.asked, r)
		answer := b.answer
		b.mu.Unlock()
		answer(w, r)
	}))
	l, err := reserve()
	if err != nil {
		t.Fatal(err)
	}
	b.Listener.Close()
	b.Listener = l // its port stays unused after Close
	b.Start()
	t.Cleanup(b.Close)
	return b
}

// set replaces the answer while requests come.
func (b *backend) set(answer http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *backend) addr() string { return b.Listener.Addr().String() }

// waitChecked waits for a number of further health checks.
func (b *backend) waitChecked(t *testing.T, times int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	checked := func() int { b.mu.Lock(); defer b.mu.Unlock(); return b.checked }
	for until := checked() + times; checked() < until; {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			t.Fatalf("%s gets no health checks: %v", b.name, err)
		}
	}
}

// requests returns the requests since the last call, without health checks.
func (b *backend) requests() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	return asked
}

// frontDoor starts Apache in front of instances, given as name and address, and returns its URL.
func frontDoor(t *testing.T, instances map[string]string) string {
	config, err := Config{Dir: t.TempDir(), Output: t.Output()}.complete()
	if err != nil {
		t.Fatal(err)
	}
	front, err := reserveFront(0, false)
	if err != nil {
		t.Fatal(err)
	}
	s := &System{config: config, port: portOf(front), out: &output{w: config.Output}}
	s.public = s.URL()
	for name, addr := range instances {
		s.instances = append(s.instances, &Instance{Addr: addr, Program: &Program{name: name}})
	}
	apache, err := s.newApache(front)
	if err != nil {
		t.Fatal(err)
	}
	if err := apache.Up(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apache.Down)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := waitFor(ctx, s.URL()+"/style.css", s.out); err != nil {
		t.Fatal(err)
	}
	for { // Apache stores nothing until the program that bounds its cache has made the folder
		if _, err := os.Stat(filepath.Join(s.path("apache"), "cache")); err == nil {
			return s.URL()
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			t.Fatal("Apache has no cache")
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	// One connection per request: on a kept-alive connection Apache passes a broken response on by closing it.
	req.Close = headers == nil || !slices.Contains(headers, "Connection")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func TestOnlyServiceAddressesAreForwarded(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	for _, path := range []string{
		"/readyz", "/healthz", "/metrics", "/server-status", "/balancer-manager", "/feed/1", "/feedback", "/ORDER/", "/httpd.conf",
		"/order/../readyz", "/order/%2e%2e/readyz", "/order/..%2freadyz", "//order//..//readyz", "/order/.%2e/metrics", "/error/", "/error.html", "/frame/head.html", "/nowhere",
	} {
		got := ask(t, "GET", url+path, "")
		if got.status != http.StatusNotFound || !strings.Contains(got.body, "There is nothing at this address") {
			t.Errorf("%s: %d, want Apache's own page for 404", path, got.status)
		}
	}
	if asked := order.requests(); len(asked) != 0 {
		t.Errorf("the service received a request for %s", asked[0].RequestURI)
	}
	for _, path := range []string{"/order/", "/order/1?a=b", "/order/feed", "/order/customer/"} {
		ask(t, "GET", url+path, "")
		if asked := order.requests(); len(asked) != 1 || asked[0].RequestURI != path {
			t.Errorf("%s was not forwarded unchanged: %v", path, asked)
		}
	}
	if got := ask(t, "GET", url+"/order", ""); got.status != http.StatusPermanentRedirect || got.header.Get("Location") != "/order/" {
		t.Errorf("/order: %d to %q", got.status, got.header.Get("Location"))
	}
	ask(t, "GET", url+"/feed", "") // the original's address
	if asked := order.requests(); len(asked) != 1 || asked[0].RequestURI != "/order/feed" {
		t.Errorf("/feed was forwarded as %v", asked)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "TRACE"} {
		if got := ask(t, method, url+"/", ""); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s /: %d, want 405", method, got.status)
		}
	}
	for path, contentType := range map[string]string{"/style.css": "text/css", "/live.js": "text/javascript"} {
		if got := ask(t, "GET", url+path, ""); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), contentType) {
			t.Errorf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
		}
	}
}

func TestForgedHeadersAreNotForwarded(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	forged := []string{"Host", "elsewhere.example", "X-Public-URL", "http://elsewhere.example", "Forwarded", "host=elsewhere.example",
		"X-Forwarded-Host", "elsewhere.example", "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Original-URL", "/metrics",
		"X-HTTP-Method-Override", "DELETE", "Connection", "close, X-Public-URL"}
	ask(t, "GET", url+"/order/", "", forged...)
	asked := order.requests()
	if len(asked) != 1 {
		t.Fatalf("%d requests, want 1", len(asked))
	}
	if got := asked[0].Header.Values("X-Public-Url"); !slices.Equal(got, []string{url}) {
		t.Errorf("X-Public-URL: %q, want %q alone", got, url)
	}
	var seen bytes.Buffer
	asked[0].Header.Write(&seen)
	for _, trace := range []string{"elsewhere", "1.2.3.4", "https", "DELETE", "/metrics"} {
		if strings.Contains(seen.String(), trace) {
			t.Errorf("%q got through:\n%s", trace, seen.String())
		}
	}
}

// The front page consists of parts that the services provide. A note replaces the part of a service that fails.
func TestFrontPageIncludesServices(t *testing.T) {
	t.Parallel()
	order, invoicing := newBackend(t, "order-1"), newBackend(t, "invoicing-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr(), "invoicing-1": invoicing.addr()})
	says := func(b *backend, status int, text string) {
		b.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			io.WriteString(w, text)
		})
	}
	says(order, 200, `the orders, then (<!--#include virtual="/invoicing/overview" onerror="/frame/down.html" -->), (<!--#include virtual="/shipping/overview" onerror="/frame/down.html" -->)`)
	for _, c := range []struct {
		status int
		text   string
		want   []string
	}{
		{200, "the invoices", []string{"the orders, then (the invoices), (<p", "This service does not answer at the moment"}},
		{503, "no database", []string{"the orders, then (<p", "This service does not answer at the moment"}},
		{200, `<!--#include virtual="/readyz" -->x`, []string{"x), (<p"}},
	} {
		says(invoicing, c.status, c.text)
		for _, path := range []string{"/", "/order/overview"} {
			got := ask(t, "GET", url+path, "")
			for _, want := range c.want {
				if got.status != 200 || !strings.Contains(got.body, want) {
					t.Errorf("%s with %d %q: %d without %q:\n%s", path, c.status, c.text, got.status, want, got.body)
				}
			}
		}
	}
	says(order, 503, "no database")
	if got := ask(t, "GET", url+"/", ""); got.status != 200 || !strings.Contains(got.body, "The order service does not answer at the moment") || !strings.Contains(got.body, `id="overview" data-live="/order/overview"`) {
		t.Errorf("without order: %d\n%s", got.status, got.body)
	}
}

// Apache's own pages link to every service, like the pages of the services.
func TestApachesPagesLinkToEveryService(t *testing.T) {
	t.Parallel()
	url := frontDoor(t, nil)
	root, err := FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	services, err := Services(root)
	if err != nil {
		t.Fatal(err)
	}
	want := "/"
	for _, s := range services {
		want += " /" + s.Name + "/"
	}
	want += " /order/feed"
	for path, status := range map[string]int{"/": 200, "/nothing": 404, "/order/": 503} {
		got := ask(t, "GET", url+path, "", "Accept", "text/html")
		_, nav, _ := strings.Cut(got.body, "<nav")
		nav, _, _ = strings.Cut(nav, "</nav>")
		var links []string
		for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(nav, -1) {
			links = append(links, m[1])
		}
		if got.status != status || strings.Join(links, " ") != want {
			t.Errorf("%s: %d, links to %q, want %s", path, got.status, links, want)
		}
	}
}

func TestRequestsAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	instances := map[string]string{"order-4": "nowhere.invalid:8080"} // cannot be resolved, so it gets no requests
	var backends []*backend
	for n := range 3 {
		b := newBackend(t, fmt.Sprintf("order-%d", n+1))
		backends, instances[b.name] = append(backends, b), b.addr()
	}
	url := frontDoor(t, instances)
	for _, b := range backends {
		b.waitChecked(t, 3)
	}
	isEven := func() bool {
		count := map[string]int{}
		for range 90 {
			got := ask(t, "GET", url+"/order/", "")
			if got.status != http.StatusOK {
				t.Fatalf("%d", got.status)
			}
			count[got.header.Get("X-Instance")]++
		}
		t.Log(count)
		return min(count["order-1"], count["order-2"], count["order-3"]) >= 27
	}
	for rounds := 1; !isEven(); rounds++ {
		if rounds == 5 { // a health check that takes too long, on a busy machine, spoils a round
			t.Fatal("not even within 10 %")
		}
	}
}

// A request that may have been processed is not sent to a second instance.
func TestWritesAreNotRepeated(t *testing.T) {
	t.Parallel()
	one, two := newBackend(t, "order-1"), newBackend(t, "order-2")
	hangUp := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	url := frontDoor(t, map[string]string{"order-1": one.addr(), "order-2": two.addr()})
	for range 4 {
		ask(t, "GET", url+"/order/", "") // opens the connections to the instances that the requests below use
	}
	one.requests()
	two.requests()
	one.set(hangUp)
	two.set(hangUp)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		for _, body := range []string{"", "x=y", strings.Repeat("x", 500_000)} {
			got := ask(t, method, url+"/order/1", body)
			if got.status != http.StatusBadGateway || !strings.Contains(got.body, "before you send it again") {
				t.Errorf("%s: %d, want 502 with a warning", method, got.status)
			}
			if n := len(one.requests()) + len(two.requests()); n != 1 {
				t.Errorf("%s with %d bytes was sent %d times", method, len(body), n)
			}
		}
	}
}

// A GET or HEAD is repeated, at most twice, if an instance closes the connection without an answer.
func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	one, two := newBackend(t, "order-1"), newBackend(t, "order-2")
	hangUp := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	serve := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"x"`)
		if r.Header.Get("If-None-Match") == `"x"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, r.RequestURI, " ", r.Header.Get("Accept"))
	}
	url := frontDoor(t, map[string]string{"order-1": one.addr(), "order-2": two.addr()})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // Apache repeats only the first request on a connection, see below
	one.set(hangUp)
	two.set(serve)
	for _, path := range []string{"/order/", "/order/1", "/order/form.html?find=a%20b%2Fc&n=%C3%BC", "/order/feed"} {
		for _, method := range []string{"GET", "HEAD"} {
			for range 6 { // so that each instance is the first at least once
				got := ask(t, method, url+path, "", "Accept", "a/b")
				if want := path + " a/b"; got.status != http.StatusOK || got.header.Get("X-Instance") != "order-2" || method == "GET" && got.body != want {
					t.Errorf("%s %s: %d by %q, %q, want %q", method, path, got.status, got.header.Get("X-Instance"), got.body, want)
				}
			}
		}
		if got := ask(t, "GET", url+path, "", "If-None-Match", `"x"`); got.status != http.StatusNotModified || got.body != "" {
			t.Errorf("%s with its tag: %d %q", path, got.status, got.body)
		}
	}
	if len(one.requests()) == 0 {
		t.Error("no request reached the instance that closes its connections")
	}
	two.set(hangUp)
	two.requests()
	for accept, says := range map[string]string{"text/html": "</footer>", "application/json": `"status":502`} {
		got := ask(t, "GET", url+"/order/1", "", "Accept", accept)
		if got.status != http.StatusBadGateway || !strings.Contains(got.body, says) {
			t.Errorf("both closed the connection, as %s: %d %q", accept, got.status, got.body)
		}
		if n := len(one.requests()) + len(two.requests()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	}
	// On a connection that has served a request before, Apache closes the connection. HTTP clients then repeat a GET themselves, and
	// know that they must not repeat anything else.
	two.set(serve)
	for range 6 {
		ask(t, "GET", url+"/style.css", "", "Connection", "keep-alive")
		if got := ask(t, "GET", url+"/order/1", "", "Connection", "keep-alive"); got.status != http.StatusOK {
			t.Errorf("on a kept-alive connection: %d", got.status)
		}
	}
}

func TestInstancesComeAndGo(t *testing.T) {
	one, two := newBackend(t, "order-1"), newBackend(t, "order-2")
	url := frontDoor(t, map[string]string{"order-1": one.addr(), "order-2": two.addr()})
	addr := two.addr()
	two.CloseClientConnections()
	two.Close()
	for range 100 {
		for _, method := range []string{"GET", "POST"} {
			if got := ask(t, method, url+"/order/", ""); got.status != http.StatusOK {
				t.Fatalf("%s: %d after one of two instances has gone", method, got.status)
			}
		}
	}
	one.CloseClientConnections()
	one.Close()
	if got := ask(t, "GET", url+"/order/", ""); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "No instance of this service") {
		t.Errorf("%d without any instance, want 503 with a page", got.status)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	again := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go again.Serve(l)
	defer again.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := waitFor(ctx, url+"/order/", &output{w: t.Output()}); err != nil {
		t.Error("an instance that came back is not used:", err)
	}
}

func TestErrorsOfAServicePassThrough(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	for _, status := range []int{404, 405, 413, 422, 500, 503} {
		order.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			io.WriteString(w, `{"status":1}`)
		})
		for range 3 {
			got := ask(t, "POST", url+"/order/", "x")
			if got.status != status || got.body != `{"status":1}` || got.header.Get("X-Instance") != "order-1" {
				t.Errorf("%d became %d %q", status, got.status, got.body)
			}
		}
	}
	order.requests()
	if got := ask(t, "POST", url+"/order/", strings.Repeat("x", 3<<20)); got.status != http.StatusRequestEntityTooLarge || len(order.requests()) != 0 {
		t.Errorf("3 MiB: %d, want 413 by Apache", got.status)
	}
}

// Apache's own errors are problem documents for clients that accept JSON, and pages of the site for all others.
func TestApachesErrorsAreNegotiated(t *testing.T) {
	t.Parallel()
	url := frontDoor(t, map[string]string{"order-1": "127.0.0.1:1"}) // nobody listens there
	for path, status := range map[string]int{"/nowhere": 404, "/metrics": 404, "/order/": 503} {
		for _, accept := range []string{"application/json", "application/problem+json, */*;q=0.1", "application/feed+json"} {
			got := ask(t, "GET", url+path, "", "Accept", accept)
			var p struct {
				Status        int
				Title, Detail string
			}
			if err := json.Unmarshal([]byte(got.body), &p); err != nil || p.Status != status || p.Title == "" || p.Detail == "" {
				t.Errorf("%s as %s: %v %q", path, accept, err, got.body)
			}
			if kind := got.header.Get("Content-Type"); got.status != status || kind != "application/problem+json" {
				t.Errorf("%s as %s: %d %s", path, accept, got.status, kind)
			}
		}
		for _, accept := range []string{"", "*/*", "text/html,application/json;q=0.9,*/*;q=0.8"} {
			got := ask(t, "GET", url+path, "", "Accept", accept)
			if got.status != status || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, "</footer>") {
				t.Errorf("%s as %q: %d %s", path, accept, got.status, got.header.Get("Content-Type"))
			}
			if vary := got.header.Get("Vary"); !strings.Contains(vary, "Accept") {
				t.Errorf("%s varies by %q", path, vary)
			}
		}
	}
}

// A frozen instance soon gets no more requests. Requests sent to it before that get an error, or are answered by another
// instance if the frozen one cannot have processed them. Nothing is processed twice.
func TestFrozenInstance(t *testing.T) {
	var frozen atomic.Pointer[chan struct{}]
	var last atomic.Value // time of the last request to the frozen instance
	var mu sync.Mutex
	done := map[string]int{}
	instances := map[string]string{}
	for n := range 3 {
		name := fmt.Sprintf("order-%d", n+1)
		b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if thawed := frozen.Load(); thawed != nil && name == "order-2" {
				if r.URL.Path == "/order/1" {
					last.Store(time.Now())
				}
				<-*thawed
			}
			_, err := io.Copy(io.Discard, r.Body)
			if id := r.Header.Get("Test-Id"); id != "" && err == nil {
				mu.Lock()
				done[id]++
				mu.Unlock()
			}
			w.Header().Set("X-Instance", name)
		}))
		defer b.Close()
		instances[name] = b.Listener.Addr().String()
	}
	url := frontDoor(t, instances)
	for range 6 {
		ask(t, "GET", url+"/order/", "")
	}

	thaw := make(chan struct{})
	frozen.Store(&thaw)
	began := time.Now()
	last.Store(began)
	isOut := func() bool { return time.Since(last.Load().(time.Time)) > 6*time.Second } // longer than a client waits for it
	sent := map[string]answer{}
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for n := 0; !isOut() && time.Since(began) < time.Minute; n++ {
				kind := []string{"GET", "POST", "DELETE", "PUT"}[n%4]
				body := map[string]string{"POST": "a=b", "PUT": "{}"}[kind]
				id, start := fmt.Sprint(client, "-", n), time.Now()
				a := ask(t, kind, url+"/order/1", body, "Test-Id", id)
				took := time.Since(start)
				mu.Lock()
				sent[id] = a
				mu.Unlock()
				switch {
				case took > 30*time.Second:
					t.Errorf("%s was answered after %v", kind, took)
				case body != "" && a.status != http.StatusOK:
					t.Errorf("%s that no instance had begun to read: %d", kind, a.status)
				case a.status != http.StatusOK && a.status < 502:
					t.Errorf("%s: %d", kind, a.status)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	clients.Wait()
	if !isOut() {
		t.Error("the frozen instance still gets requests after a minute")
	}
	frozen.Store(nil)
	close(thaw)
	for back := time.Now(); ask(t, "GET", url+"/order/", "").header.Get("X-Instance") != "order-2"; time.Sleep(20 * time.Millisecond) {
		if time.Since(back) > time.Minute {
			t.Fatal("the instance gets no requests after it was resumed")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	failed := 0
	for id, a := range sent {
		if a.status != http.StatusOK {
			failed++
		}
		if done[id] > 1 || (done[id] == 0 && a.status == http.StatusOK) {
			t.Errorf("a request answered with %d was processed %d times", a.status, done[id])
		}
	}
	t.Logf("%d requests, %d failed, the frozen instance got its last one after %v", len(sent), failed, last.Load().(time.Time).Sub(began))
}

// Apache caches feed documents that the service declares cacheable, each representation separately, and nothing else.
func TestFeedDocumentsAreCached(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	etag := func(r *http.Request) string {
		return fmt.Sprintf(`"%s-%s"`, r.Header.Get("Accept"), r.Header.Get("Accept-Encoding"))
	}
	lifetime := map[string]string{"/order/feed/1": "public, max-age=31536000, immutable", "/order/feed": "no-cache", "/order/feed/2": "no-cache"}
	order.set(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", lifetime[r.URL.Path])
		h.Set("Vary", "Accept, Accept-Encoding")
		h.Set("Etag", etag(r))
		h.Set("Last-Modified", "Sun, 22 Nov 2026 03:00:00 GMT")
		h.Set("Content-Type", "text/plain")
		if r.Header.Get("Accept-Encoding") == "gzip" {
			h.Set("Content-Encoding", "gzip")
		}
		if r.Header.Get("If-None-Match") == etag(r) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body := strings.Repeat("0123456789", 10_000) + etag(r)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		io.WriteString(w, body)
	})
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	forms := [][]string{{"Accept", "a/b", "Accept-Encoding", "identity"}, {"Accept", "a/b", "Accept-Encoding", "gzip"}, {"Accept", "c/d", "Accept-Encoding", "gzip"}}
	ask(t, "HEAD", url+"/order/feed/1", "", forms[0]...) // its response has no body to cache
	if n := len(order.requests()); n != 1 {
		t.Errorf("HEAD: the service got %d requests", n)
	}
	for _, form := range forms {
		tag := fmt.Sprintf(`"%s-%s"`, form[1], form[3])
		for n := range 4 {
			got := ask(t, "GET", url+"/order/feed/1", "", form...)
			if got.status != http.StatusOK || got.header.Get("Etag") != tag || !strings.HasSuffix(got.body, tag) || len(got.body) < 100_000 {
				t.Errorf("%v: %d %s, %d bytes", form, got.status, got.header.Get("Etag"), len(got.body))
			}
			if _, kept := got.header["Age"]; kept != (n > 0) || got.header.Get("X-Instance") != "order-1" {
				t.Errorf("%v, request %d: %v", form, n+1, got.header)
			}
			// The document is in the cache a moment after the first response. only-if-cached does not reach the service.
			for end := time.Now().Add(time.Minute); n == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
				if ask(t, "GET", url+"/order/feed/1", "", append(form, "Cache-Control", "only-if-cached")...).status == http.StatusOK {
					break
				}
			}
		}
		if got := ask(t, "GET", url+"/order/feed/1", "", append(form, "If-None-Match", tag)...); got.status != http.StatusNotModified || got.header.Get("Etag") != tag {
			t.Errorf("%v with its tag: %d %v", form, got.status, got.header)
		}
		if got := ask(t, "HEAD", url+"/order/feed/1", "", form...); got.status != http.StatusOK || got.header.Get("Etag") != tag || got.body != "" {
			t.Errorf("HEAD of %v: %d %v", form, got.status, got.header)
		}
		if n := len(order.requests()); n != 1 {
			t.Errorf("%v: the service got %d requests, want 1", form, n)
		}
	}
	// Another host name is the same document in the cache; no-cache bypasses the cache.
	ask(t, "GET", url+"/order/feed/1", "", append(forms[0], "Host", "elsewhere.example")...)
	if n := len(order.requests()); n != 0 {
		t.Errorf("another host name: the service got %d requests, want 0", n)
	}
	ask(t, "GET", url+"/order/feed/1", "", append(forms[0], "Cache-Control", "no-cache")...)
	if n := len(order.requests()); n != 1 {
		t.Errorf("no-cache: the service got %d requests, want 1", n)
	}
	for _, path := range []string{"/order/feed", "/order/feed/2", "/order/", "/order/1"} {
		for range 3 {
			ask(t, "GET", url+path, "", forms[1]...)
		}
		if got := ask(t, "GET", url+path, "", append(forms[1], "If-None-Match", `"a/b-gzip"`)...); got.status != http.StatusNotModified {
			t.Errorf("%s with its tag: %d", path, got.status)
		}
		asked := order.requests()
		if len(asked) != 4 {
			t.Errorf("%s: the service got %d requests, want 4", path, len(asked))
		}
		if strings.Contains(path, "feed") && asked[2].Header.Get("If-None-Match") != "" {
			t.Errorf("%s: cached and revalidated, so other clients may get a stale copy meanwhile", path)
		}
	}
}

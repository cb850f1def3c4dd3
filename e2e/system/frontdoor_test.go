package system

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The front door alone, with services of the test's own behind it: what reaches them, and what is answered when they fail.

// backend is an instance that remembers what it was asked and can be told how to answer.
type backend struct {
	*httptest.Server
	name   string
	answer http.HandlerFunc

	mu    sync.Mutex
	asked []*http.Request
}

func newBackend(t *testing.T, name string) *backend {
	b := &backend{name: name, answer: func(w http.ResponseWriter, r *http.Request) {}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Instance", name)
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/readyz" {
			return
		}
		b.mu.Lock()
		b.asked = append(b.asked, r)
		b.mu.Unlock()
		b.answer(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) addr() string { return b.Listener.Addr().String() }

// requests returns what the instance was asked since the last call.
func (b *backend) requests() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	return asked
}

// frontDoor starts Apache in front of instances given as name and address, and returns its address.
func frontDoor(t *testing.T, instances map[string]string) string {
	config, err := Config{Dir: t.TempDir(), Output: t.Output()}.complete()
	if err != nil {
		t.Fatal(err)
	}
	front, err := reserveFront(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &System{config: config, port: portOf(front), out: &output{w: config.Output}}
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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := waitFor(ctx, s.URL()+"/"); err != nil {
		t.Fatal(err)
	}
	return s.URL()
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
	// One connection for one request: Apache drops a kept one without an answer when the service does so.
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

func TestOnlyTheServicesAddressesAreForwarded(t *testing.T) {
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	for _, path := range []string{
		"/readyz", "/healthz", "/metrics", "/server-status", "/balancer-manager", "/feed/1", "/feedback", "/ORDER/", "/httpd.conf",
		"/order/../readyz", "/order/%2e%2e/readyz", "/order/..%2freadyz", "//order//..//readyz", "/order/.%2e/metrics", "/error/", "/nowhere",
	} {
		got := ask(t, "GET", url+path, "")
		if got.status != http.StatusNotFound || !strings.Contains(got.body, "There is nothing at this address") {
			t.Errorf("%s: %d, want Apache's own page for 404", path, got.status)
		}
	}
	if asked := order.requests(); len(asked) != 0 {
		t.Errorf("the service was asked for %s", asked[0].RequestURI)
	}
	for _, path := range []string{"/order/", "/order/1?a=b", "/feed", "/order/customer/"} {
		ask(t, "GET", url+path, "")
		if asked := order.requests(); len(asked) != 1 || asked[0].RequestURI != path {
			t.Errorf("%s was not forwarded as it is: %v", path, asked)
		}
	}
	if got := ask(t, "GET", url+"/order", ""); got.status != http.StatusPermanentRedirect || got.header.Get("Location") != "/order/" {
		t.Errorf("/order: %d to %q", got.status, got.header.Get("Location"))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "TRACE"} {
		if got := ask(t, method, url+"/", ""); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s /: %d, want 405", method, got.status)
		}
	}
	if got := ask(t, "GET", url+"/style.css", ""); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") {
		t.Errorf("/style.css: %d %s", got.status, got.header.Get("Content-Type"))
	}
}

func TestForgedHeadersAreNotForwarded(t *testing.T) {
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

func TestRequestsAreSpreadEvenly(t *testing.T) {
	instances := map[string]string{"order-4": "nowhere.invalid:8080"} // a name that is not known is simply not there
	for n := range 3 {
		name := fmt.Sprintf("order-%d", n+1)
		instances[name] = newBackend(t, name).addr()
	}
	url := frontDoor(t, instances)
	time.Sleep(1500 * time.Millisecond) // for the first health check
	count := map[string]int{}
	for range 90 {
		got := ask(t, "GET", url+"/order/", "")
		if got.status != http.StatusOK {
			t.Fatalf("%d", got.status)
		}
		count[got.header.Get("X-Instance")]++
	}
	for n := range 3 {
		if c := count[fmt.Sprintf("order-%d", n+1)]; c < 27 || c > 33 {
			t.Errorf("not even within 10 %%: %v", count)
		}
	}
}

func TestWhatMayHaveBeenDoneIsNotRepeated(t *testing.T) {
	one, two := newBackend(t, "order-1"), newBackend(t, "order-2")
	hangUp := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	url := frontDoor(t, map[string]string{"order-1": one.addr(), "order-2": two.addr()})
	for range 4 {
		ask(t, "GET", url+"/order/", "") // so that kept connections are used
	}
	one.requests()
	two.requests()
	one.answer, two.answer = hangUp, hangUp
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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := waitFor(ctx, url+"/order/"); err != nil {
		t.Error("an instance that came back is not used:", err)
	}
}

func TestErrorsOfAServicePassThrough(t *testing.T) {
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	for _, status := range []int{404, 405, 413, 422, 500, 503} {
		order.answer = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			io.WriteString(w, `{"status":1}`)
		}
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

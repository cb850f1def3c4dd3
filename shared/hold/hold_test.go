package hold

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// waiting is a server whose handler answers /wait when its request goes on, and everything else at once: with all that it has read.
type waiting struct {
	*http.Server
	listener *Listener
	addr     string

	mu      sync.Mutex
	resumes []func()
}

func serve(t *testing.T) *waiting {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &waiting{listener: Listen(inner), addr: inner.Addr().String()}
	s.Server = &http.Server{ConnContext: s.listener.ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waited := Waited(r)
		if strings.HasPrefix(r.URL.Path, "/wait") && !waited {
			s.mu.Lock()
			defer s.mu.Unlock()
			if resume, ok := Aside(w, r); ok {
				s.resumes = append(s.resumes, resume)
				return
			}
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%t %t %s %s %s %q %s", waited, Waited(r), r.Method, r.RequestURI, r.Host, r.Header.Values("X-Said"), body)
	})}
	go s.Serve(s.listener)
	t.Cleanup(func() { s.Close() })
	return s
}

// aside waits until a number of requests were put aside since the last call, and returns what lets them go on.
func (s *waiting) aside(t *testing.T, n int) []func() {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		all := s.resumes
		if len(all) == n {
			s.resumes = nil
			s.mu.Unlock()
			return all
		}
		s.mu.Unlock()
	}
	t.Fatalf("%d requests are not aside", n)
	return nil
}

func (s *waiting) dial(t *testing.T, requests string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, requests); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func said(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || strings.TrimSpace(string(got)) != want {
		t.Errorf("%s: %s, %v; want %s", res.Status, got, err, want)
	}
}

// A request goes on as it came, and so does what was sent behind it on the same connection, at once or later, aside or not.
func TestGoesOnAsItCame(t *testing.T) {
	s := serve(t)
	const first = "GET /wait?a=%20b HTTP/1.1\r\nhost: thing.test:1\r\nx-said: one\r\nX-SAID:  \xfctwo\r\n\r\n"
	const behind = "POST /now HTTP/1.1\r\nHost: thing.test\r\nContent-Length: 4\r\n\r\nbody"
	for _, pieces := range [][]string{{first + behind}, {first, behind}, {first + behind[:20], behind[20:]}} {
		c, r := s.dial(t, pieces[0])
		resume := s.aside(t, 1)[0]
		for _, rest := range pieces[1:] {
			if _, err := io.WriteString(c, rest); err != nil {
				t.Fatal(err)
			}
		}
		resume()
		resume() // changes nothing
		said(t, r, `true false GET /wait?a=%20b thing.test:1 ["one" "\xfctwo"]`)
		said(t, r, `false false POST /now thing.test [] body`)
		if _, err := io.WriteString(c, "HEAD /wait HTTP/1.1\r\nHost: thing.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		s.aside(t, 1)[0]()
		if res, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead}); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("aside again: %v, %v", res, err)
		}
	}
}

// A thousand that wait need no goroutine; who left among them holds up no other.
func TestThousandsWait(t *testing.T) {
	s := serve(t)
	before := runtime.NumGoroutine()
	var readers []*bufio.Reader
	for i := range 1000 {
		c, r := s.dial(t, "GET /wait HTTP/1.1\r\nHost: thing.test\r\n\r\n")
		if i%2 == 0 {
			readers = append(readers, r)
			continue
		}
		defer c.Close()
	}
	resumes := s.aside(t, 1000)
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before+10; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
	for _, resume := range resumes {
		resume()
	}
	for _, r := range readers {
		said(t, r, `true false GET /wait thing.test []`)
	}
}

// Before the server is stopped all are answered, and none is put aside any more.
func TestRelease(t *testing.T) {
	s := serve(t)
	_, early := s.dial(t, "GET /wait HTTP/1.1\r\nHost: thing.test\r\n\r\n")
	resume := s.aside(t, 1)[0]
	s.listener.Release()
	said(t, early, `true false GET /wait thing.test []`)
	_, late := s.dial(t, "GET /wait HTTP/1.1\r\nHost: thing.test\r\n\r\n")
	said(t, late, `false false GET /wait thing.test []`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	resume()
	if _, err := s.listener.Accept(); err == nil {
		t.Error("it still accepts")
	}
}

// One that is aside when the listener is closed loses its connection.
func TestClose(t *testing.T) {
	s := serve(t)
	_, r := s.dial(t, "GET /wait HTTP/1.1\r\nHost: thing.test\r\n\r\n")
	resume := s.aside(t, 1)[0]
	s.Close()
	resume()
	if b, err := r.ReadByte(); err != io.EOF {
		t.Errorf("%q, %v", b, err)
	}
}

// What cannot be put aside is left to its handler: in another server, and with a body.
func TestNotAside(t *testing.T) {
	if _, ok := Aside(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)); ok || Waited(httptest.NewRequest("GET", "/", nil)) {
		t.Error("put aside without a listener")
	}
	s := serve(t)
	_, r := s.dial(t, "POST /wait HTTP/1.1\r\nHost: thing.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
	said(t, r, `false false POST /wait thing.test [] body`)
}

// Large requests are read again whole.
func TestLarge(t *testing.T) {
	s := serve(t)
	value := string(bytes.Repeat([]byte("long "), 10_000))
	_, r := s.dial(t, "GET /wait HTTP/1.1\r\nHost: thing.test\r\nX-Said: "+value+"\r\n\r\n")
	s.aside(t, 1)[0]()
	said(t, r, fmt.Sprintf(`true false GET /wait thing.test [%q]`, strings.TrimSpace(value)))
}

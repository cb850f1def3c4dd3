// The service without its database: it stays alive, says so, and works again when the database is
// back.
package main

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"msatom/shared/postgres/pgtest"
)

// gate is an address through which a database is reachable while the gate is open.
type gate struct {
	t                testing.TB
	address, forward string
	mu               sync.Mutex
	isOpen           bool
	open             []io.Closer
}

// newGate returns a closed gate, and the URL of a new database behind it.
func newGate(t testing.TB) (*gate, string) {
	u, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), "0")) // of a loopback address that no other process uses, so the port stays free while the gate is closed
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, address: l.Addr().String(), forward: u.Host}
	l.Close()
	t.Cleanup(g.shut)
	u.Host = g.address
	return g, u.String()
}

func (g *gate) openUp() {
	g.t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.isOpen, g.open = true, append(g.open, l)
	g.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", g.forward)
			if err != nil {
				in.Close()
				continue
			}
			g.keep(in, out)
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
}

// keep keeps a connection until the gate is shut, which may have happened since it was accepted.
func (g *gate) keep(in, out io.Closer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = append(g.open, in, out)
	if !g.isOpen {
		g.closeAll()
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOpen = false
	g.closeAll()
}

func (g *gate) closeAll() {
	for _, c := range g.open {
		c.Close()
	}
	g.open = nil
}

func TestDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	g, database := newGate(t)
	s := start(t, database, config{})
	refused := func(when string) {
		t.Helper()
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/order/", ""}, {"GET", "/order/1", ""}, {"GET", "/order/feed", ""}, {"GET", "/order/feed/1", ""}, {"GET", "/feed", ""},
			{"GET", "/order/form.html", ""}, {"GET", "/order/customer/", ""}, {"GET", "/order/item/", ""},
			{"POST", "/order/", text(asked(1, 1))}, {"PUT", "/order/1", text(asked(1, 1))}, {"DELETE", "/order/1", ""},
		} {
			for _, accept := range []string{program, browser} {
				if accept == program && c.path == "/order/form.html" {
					continue
				}
				a := s.json(c.method, c.path, c.body, "Accept", accept)
				if a.status != 503 || a.header.Get("Retry-After") == "" || a.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %s %s: %d %v %s", when, c.method, c.path, a.status, a.header, a.body)
				}
				if accept == browser && !strings.Contains(a.body, "</footer>") {
					t.Errorf("%s: %s %s: no page: %s", when, c.method, c.path, a.body)
				}
			}
		}
		if a := s.get("/healthz"); a.status != 200 {
			t.Errorf("%s: not healthy: %d", when, a.status)
		}
		if a := s.get("/order/style.css"); a.status != 200 {
			t.Errorf("%s: no style sheet: %d", when, a.status)
		}
	}
	notReady := func() bool { return s.get("/readyz").status == 503 }

	if !notReady() {
		t.Error("ready without a database")
	}
	refused("before the first connection")
	for round := range 2 {
		g.openUp()
		s.wait()
		if id := s.place(); id != int64(round+1) {
			t.Errorf("order %d has the id %d", round+1, id)
		}
		if n := len(s.feed().Entries); n != round+1 {
			t.Errorf("%d entries after %d orders", n, round+1)
		}
		g.shut()
		refused("just lost")
		s.until("unready", notReady)
		refused("lost")
	}
	if a := s.get("/readyz"); !strings.Contains(a.body, `"status":"waiting"`) || !strings.Contains(a.body, `"database":"`) {
		t.Errorf("readyz does not say why: %s", a.body)
	}
}

// The service while its database is away: it lives, says so, and works again when the database is back.
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

// gate is an address at which a database can be reached or not.
type gate struct {
	t                testing.TB
	address, forward string
	mu               sync.Mutex
	open             []io.Closer
}

// newGate is a gate that is shut, and the URL of a new database behind it.
func newGate(t testing.TB) (*gate, string) {
	u, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), "0")) // nobody else takes ports of that address, also while the gate is shut
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, address: l.Addr().String(), forward: u.Host}
	l.Close()
	t.Cleanup(g.shut)
	u.Host = g.address
	return g, u.String()
}

func (g *gate) openIt() {
	g.t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.keep(l)
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

func (g *gate) keep(c ...io.Closer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = append(g.open, c...)
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.open {
		c.Close()
	}
	g.open = nil
}

func TestDatabaseAway(t *testing.T) {
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
			t.Errorf("%s: no style: %d", when, a.status)
		}
	}
	notReady := func() bool { return s.get("/readyz").status == 503 }

	if !notReady() {
		t.Error("ready without a database")
	}
	refused("before it was ever there")
	for round := range 2 {
		g.openIt()
		s.wait()
		if id := s.place(); id != int64(round+1) {
			t.Errorf("order %d has the id %d", round+1, id)
		}
		if n := len(s.feed().Entries); n != round+1 {
			t.Errorf("%d entries after %d orders", n, round+1)
		}
		g.shut()
		refused("just gone")
		s.until("unready", notReady)
		refused("gone")
	}
	if a := s.get("/readyz"); !strings.Contains(a.body, `"status":"waiting"`) || !strings.Contains(a.body, `"database":"`) {
		t.Errorf("why is it not ready? %s", a.body)
	}
}

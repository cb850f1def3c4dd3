// What the tests share: an instance of the service, wired as in main, on a real Postgres and behind
// a real HTTP server, and short ways to send requests to it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/service"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	_ = flag.Set("test.parallel", "8") // instead of one for each processor: tests wait more than they compute
	pgtest.Main(m)
}

// shop is an instance of the order service.
type shop struct {
	t       testing.TB
	db      *postgres.DB
	handler http.Handler
	url     string // of its server
	stop    func() // stops it before the test ends
}

// open starts an instance on a database of its own.
func open(t testing.TB) *shop {
	s := start(t, pgtest.URL(t, migrations...), config{})
	s.wait()
	return s
}

// start starts an instance on a database that may be unreachable.
func start(t testing.TB, database string, cfg config) *shop {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	life := &service.Service{Name: "order", DB: db}
	life.Instance = "order-test"
	if err := wire(life, cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() {
		db.Watch(ctx, life.Migrations, func() {
			for _, f := range life.Background {
				background.Go(func() { f(ctx) })
			}
		})
	})
	server := httptest.NewServer(life.Handler)
	stop := sync.OnceFunc(func() { server.Close(); cancel(); background.Wait(); db.Pool.Close() })
	t.Cleanup(stop)
	return &shop{t: t, db: db, handler: life.Handler, url: server.URL, stop: stop}
}

// wait waits until the service is ready and has read its log once.
func (s *shop) wait() {
	s.t.Helper()
	s.until("ready", func() bool { return s.get("/readyz").status == 200 && s.get("/feed").status == 200 })
}

// until waits for a condition.
func (s *shop) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not %s within a minute", what)
		}
	}
}

// reply is a response of the service.
type reply struct {
	status int
	header http.Header
	body   string
}

var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// do sends a request, again while it takes longer than the service allows: on a busy machine.
func (s *shop) do(method, path, body string, header ...string) (a reply) {
	s.t.Helper()
	for range 5 {
		if a = s.once(method, path, body, header...); a.status != 503 || !strings.Contains(a.body, "took too long") {
			break
		}
	}
	return a
}

// once sends a request. header alternates names and values.
func (s *shop) once(method, path, body string, header ...string) reply {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if w.Header.Get("X-Instance") != "order-test" {
		s.t.Errorf("%s %s: the answer %d does not name its instance", method, path, w.StatusCode)
	}
	return reply{w.StatusCode, w.Header, string(b)}
}

// Accept headers of clients.
const (
	program = "application/json"
	browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	reader  = "application/atom+xml"
)

func (s *shop) get(path string, header ...string) reply {
	s.t.Helper()
	return s.do("GET", path, "", append([]string{"Accept", program}, header...)...)
}

// page returns a page as a browser gets it.
func (s *shop) page(path string) string {
	s.t.Helper()
	a := s.get(path, "Accept", browser)
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		s.t.Fatalf("page %s: %d %s\n%s", path, a.status, a.header.Get("Content-Type"), a.body)
	}
	return a.body
}

func (s *shop) json(method, path, body string, header ...string) reply {
	s.t.Helper()
	return s.do(method, path, body, append([]string{"Content-Type", "application/json"}, header...)...)
}

// form sends a form as a browser does from a page of the same origin.
func (s *shop) form(path string, v url.Values, header ...string) reply {
	s.t.Helper()
	return s.do("POST", path, v.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", browser,
		"Origin", s.url, "Sec-Fetch-Site", "same-origin"}, header...)...)
}

// asked returns the order that most tests place. lines alternates items and counts.
func asked(lines ...int) map[string]any {
	address := func(street string) map[string]any {
		return map[string]any{"street": street, "zip": "12345", "city": "Köln"}
	}
	var list []any
	for i := 0; i+1 < len(lines); i += 2 {
		list = append(list, map[string]any{"item": lines[i], "count": lines[i+1]})
	}
	return map[string]any{"customer": 1, "shippingAddress": address("Hauptstr. 1"), "billingAddress": address("Nebenstr. 2"), "orderLine": list}
}

// filled returns the same order as a form.
func filled(lines ...int) url.Values {
	v := url.Values{"customer": {"1"},
		"shippingAddress.street": {"Hauptstr. 1"}, "shippingAddress.zip": {"12345"}, "shippingAddress.city": {"Köln"},
		"billingAddress.street": {"Nebenstr. 2"}, "billingAddress.zip": {"12345"}, "billingAddress.city": {"Köln"}}
	for i := 0; i+1 < len(lines); i += 2 {
		v.Set(fmt.Sprintf("orderLine[%d].item", i/2), fmt.Sprint(lines[i]))
		v.Set(fmt.Sprintf("orderLine[%d].count", i/2), fmt.Sprint(lines[i+1]))
	}
	return v
}

// place places an order of one iPod and returns its id.
func (s *shop) place() int64 {
	s.t.Helper()
	return s.order(s.json("POST", "/order/", text(asked(1, 1))), 201).ID
}

// order returns the order in a reply, which must have the given status.
func (s *shop) order(a reply, status int) (o Order) {
	s.t.Helper()
	if a.status != status {
		s.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	s.decode(a, &o)
	return o
}

func (s *shop) decode(a reply, v any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		s.t.Fatalf("%v in %q", err, a.body)
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// state returns a digest of the tables, which must not change when a request is refused.
func (s *shop) state() (state string) {
	s.t.Helper()
	err := s.db.Raw(`SELECT concat_ws(' ',
		(SELECT count(*) FROM customer), (SELECT count(*) FROM item),
		(SELECT md5(string_agg(orders::text, ',' ORDER BY id)) FROM orders),
		(SELECT md5(string_agg(order_line::text, ',' ORDER BY order_id, number)) FROM order_line),
		(SELECT count(*) FROM outbox_event), (SELECT count(*) FROM outbox_pending), (SELECT max(position) FROM outbox_position))`).Scan(&state).Error
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// number returns the result of a query for one number.
func (s *shop) number(query string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.db.Raw(query, args...).Scan(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

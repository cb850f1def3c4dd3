package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"msatom/shared/feed"
	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/service"
	"msatom/shared/web"
)

// receiver is a consumer as order sees it: an acknowledgement feed.
type receiver struct {
	*feed.Feed
	*outbox.Log
	db     *postgres.DB
	server *httptest.Server
}

func receive(t testing.TB, name string) *receiver {
	t.Helper()
	db := pgtest.Open(t, outbox.Migration())
	log := outbox.New(db)
	r := &receiver{db: db, Log: log, Feed: feed.New(log, feed.About{Name: name, Path: "/" + name + "/feed", Home: "/",
		Describe: func(e outbox.Entry) (string, string, string) {
			return "done", "done", fmt.Sprintf("/%s/%d", name, e.Subject)
		}})}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	e := web.New(web.Options{Service: name, Pages: page.New(name, name), Ready: func() (bool, string) { return true, "" }})
	r.Routes(e)
	r.server = httptest.NewServer(e)
	t.Cleanup(func() { r.server.CloseClientConnections(); cancel(); running.Wait(); r.server.Close() })
	return r
}

// answer acknowledges entries of the log with an epoch, as pairs of order and position.
func (r *receiver) answer(t testing.TB, epoch string, subjectsAndPositions ...int64) {
	t.Helper()
	for i := 0; i < len(subjectsAndPositions); i += 2 {
		entry := fmt.Sprintf("tag:msatom.example,2026:order/%s/%d", epoch, subjectsAndPositions[i+1])
		e := outbox.Event{Subject: subjectsAndPositions[i], Kind: "open", ReplyTo: entry, Snapshot: []byte(`{"instance":"there-1"}`)}
		if err := r.Append(r.db.DB, e); err != nil {
			t.Fatal(err)
		}
	}
	err := r.Publish(t.Context())
	for errors.Is(err, context.DeadlineExceeded) { // Publish waits for two seconds at most
		err = r.Publish(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// watched starts a shop that follows consumers.
func watched(t testing.TB, again time.Duration, consumers ...*receiver) *shop {
	cfg := config{Wait: 25 * time.Second, Schedule: "@every 1h", RepublishAfter: again}
	for _, c := range consumers {
		cfg.Feeds = append(cfg.Feeds, c.Name+"="+c.server.URL+c.Path)
	}
	s := start(t, pgtest.URL(t, migrations...), cfg)
	s.wait()
	return s
}

func (s *shop) epoch() (epoch string) {
	s.t.Helper()
	if err := s.db.Raw("SELECT epoch FROM outbox_log").Scan(&epoch).Error; err != nil {
		s.t.Fatal(err)
	}
	return epoch
}

// report reads the report on all deliveries.
func (s *shop) report() (r Report) {
	s.t.Helper()
	s.decode(s.get("/order/deliveries"), &r)
	return r
}

// summary returns how far the consumers are: "invoicing 3 open 2 holes 1, ...".
func (r Report) summary() string {
	var list []string
	for _, c := range r.Consumers {
		list = append(list, c.summary())
	}
	return strings.Join(list, ", ")
}

func (c ConsumerReport) summary() string {
	return fmt.Sprintf("%s %d open %d holes %d", c.Consumer, c.Last, c.Open, c.Holes)
}

// untilReported waits until the report has a summary.
func (s *shop) untilReported(want string) {
	s.t.Helper()
	s.until(want, func() bool { return s.report().summary() == want })
}

// delivered reads the deliveries of an order, and the order's ETag.
func (s *shop) delivered(id int64) (d []Delivery, etag string) {
	s.t.Helper()
	a := s.get(fmt.Sprint("/order/", id))
	var o struct{ Deliveries []Delivery }
	s.decode(a, &o)
	return o.Deliveries, a.header.Get("ETag")
}

// What a consumer says of itself cannot lead to another site or fill the page.
func TestHostileAcknowledgement(t *testing.T) {
	t.Parallel()
	invoicing := receive(t, "invoicing")
	s := watched(t, 0, invoicing)
	id := s.place()
	reply := outbox.Event{Subject: id, Kind: "open", ReplyTo: fmt.Sprintf("tag:msatom.example,2026:order/%s/1", s.epoch()),
		Snapshot: fmt.Appendf(nil, `{"instance":%q}`, strings.Repeat("x", 10_000))}
	if err := invoicing.Append(invoicing.db.DB, reply); err != nil {
		t.Fatal(err)
	}
	invoicing.answer(t, "of another log", 2, 2) // publishes both
	s.untilReported("invoicing 1 open 0 holes 0")
	if d, _ := s.delivered(id); d[0].Instance != "" {
		t.Errorf("an instance with %d bytes", len(d[0].Instance))
	}
	for address, want := range map[string]string{
		"http://invoicing:8080/invoicing/1": "/invoicing/1", "http://host//evil.example/": "", `http://host/\evil.example/`: "", "//evil.example": "", "/": "/",
		"javascript:alert(1)": "", "http://host/" + strings.Repeat("x", 300): "", ":": "",
	} {
		if got := recordPath(address); got != want {
			t.Errorf("recordPath(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestOrderShowsItsDeliveries(t *testing.T) {
	t.Parallel()
	invoicing, shipping := receive(t, "invoicing"), receive(t, "shipping")
	s := watched(t, 0, invoicing, shipping)
	id := s.place()
	before, tag := s.delivered(id)
	if len(before) != 2 || before[0].Consumer != "invoicing" || before[0].Acknowledged != nil || before[1].Acknowledged != nil {
		t.Fatalf("at first %+v", before)
	}
	if !strings.Contains(s.page(fmt.Sprint("/order/", id)), "pending") {
		t.Error("the page does not say that acknowledgements are missing")
	}
	invoicing.answer(t, s.epoch(), id, 1)
	s.untilReported("invoicing 1 open 0 holes 0, shipping 0 open 1 holes 0")
	after, tagAfter := s.delivered(id)
	got := after[0]
	if got.Acknowledged == nil || got.Took() <= 0 || got.Took() > time.Minute || got.Instance != "there-1" || got.Record != "/invoicing/1" || after[1].Acknowledged != nil {
		t.Errorf("afterwards %+v", after)
	}
	page := s.page(fmt.Sprint("/order/", id))
	if !strings.Contains(page, "there-1") || !strings.Contains(page, "pending") {
		t.Errorf("the page does not show which consumer has acknowledged:\n%s", page)
	}

	// The representations differ in their ETags, but either allows a change of the order.
	if tag == tagAfter {
		t.Errorf("both representations have the tag %s", tag)
	}
	if a := s.get("/order/1", "If-None-Match", tagAfter); a.status != 304 {
		t.Errorf("conditional request: %d", a.status)
	}
	if a := s.json("PUT", "/order/1", text(asked(1, 2)), "If-Match", tag); a.status != 200 {
		t.Errorf("change with the ETag from before the acknowledgement: %d", a.status)
	}
	if a := s.do("DELETE", "/order/1", "", "If-Match", tagAfter); a.status != 412 {
		t.Errorf("cancel with an outdated ETag: %d", a.status)
	}
	if changed, _ := s.delivered(id); changed[0].Acknowledged != nil || changed[0].Record != "/invoicing/1" {
		t.Errorf("the change is acknowledged already: %+v", changed)
	}
	if r := s.report(); len(r.Oldest) != 1 || r.Oldest[0].Position != 1 || strings.Join(r.Oldest[0].Missing, " ") != "shipping invoicing" {
		t.Errorf("open orders %+v", r.Oldest)
	}
}

// Acknowledgements arrive in any order. Each case is a consumer of the same five entries: orders 1,
// 2, 3, and changes of 1 and 2.
func TestHoles(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		acks [][]int64 // pairs of order and position, a list for each document
		want string
	}{
		{"none", nil, "0 open 5 holes 0"},
		{"all", [][]int64{{1, 1, 2, 2, 3, 3, 1, 4, 2, 5}}, "5 open 0 holes 0"},
		{"only the latest of each order", [][]int64{{3, 3, 1, 4, 2, 5}}, "5 open 0 holes 0"},
		{"some skipped", [][]int64{{1, 1}, {1, 4}}, "4 open 3 holes 2"},
		{"a hole is filled", [][]int64{{1, 1}, {1, 4}, {3, 3}}, "4 open 2 holes 1"},
		{"a later entry fills an earlier hole", [][]int64{{1, 4}, {2, 5}}, "5 open 1 holes 1"},
		{"older after newer", [][]int64{{2, 5}, {2, 2}, {1, 1}}, "5 open 2 holes 2"},
		{"repeated", [][]int64{{1, 1}, {1, 1}, {1, 1}}, "1 open 4 holes 0"},
		{"an unknown position", [][]int64{{1, 1}, {1, 99}}, "1 open 4 holes 0"},
	}
	var receivers []*receiver
	for i := range cases {
		receivers = append(receivers, receive(t, fmt.Sprintf("c%d", i)))
	}
	s := watched(t, 0, receivers...)
	for range 3 {
		s.place()
	}
	for _, id := range []string{"1", "2"} {
		s.order(s.json("PUT", "/order/"+id, text(asked(1, 2))), 200)
	}
	for i, c := range cases {
		r := receivers[i]
		for _, acks := range c.acks {
			r.answer(t, s.epoch(), acks...)
			head, _ := r.Head()
			s.until("acknowledgements processed", func() bool {
				return s.number("SELECT coalesce(max(position), 0) FROM follow_cursor WHERE feed = ?", r.Name) == head.Position
			})
		}
	}
	for i, got := range s.report().Consumers {
		if got := got.summary(); got != fmt.Sprintf("c%d %s", i, cases[i].want) {
			t.Errorf("%s: %s, want %s", cases[i].name, got, cases[i].want)
		}
	}
}

// Acknowledgements of another log's entries do not count.
func TestAnotherEpochDoesNotCount(t *testing.T) {
	t.Parallel()
	r := receive(t, "c")
	s := watched(t, 0, r)
	s.place()
	s.place()
	r.answer(t, "00000000-0000-0000-0000-000000000000", 1, 1)
	r.answer(t, s.epoch(), 2, 2)
	s.untilReported("c 2 open 1 holes 1")
	if d, _ := s.delivered(1); d[0].Acknowledged != nil {
		t.Errorf("acknowledged: %+v", d)
	}
}

// Orders can be placed while a consumer is unreachable. Its acknowledgements are read when it is
// back.
func TestConsumerIsUnreachable(t *testing.T) {
	t.Parallel()
	r := receive(t, "c")
	away := true
	var mu sync.Mutex
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if away {
			w.WriteHeader(503)
			return
		}
		r.server.Config.Handler.ServeHTTP(w, q)
	}))
	defer door.Close()
	s := start(t, pgtest.URL(t, migrations...), config{Feeds: []string{"c=" + door.URL + "/c/feed"}, Schedule: "@every 1h"})
	s.wait()
	id := s.place()
	s.until("error reported", func() bool { return strings.Contains(s.report().Consumers[0].Poll.Error, "503") })
	if !strings.Contains(s.page("/order/deliveries"), "polls have failed since") {
		t.Error("the page does not say that the feed cannot be read")
	}
	r.answer(t, s.epoch(), id, 1)
	mu.Lock()
	away = false
	mu.Unlock()
	s.untilReported("c 1 open 0 holes 0")
}

func TestRepublish(t *testing.T) {
	t.Parallel()
	r := receive(t, "c")
	s := watched(t, 0, r)
	id := s.place()
	_, tag := s.delivered(id)
	path := fmt.Sprintf("/order/%d", id)
	if a := s.form(path+"/publish", url.Values{}); a.status != 303 || a.header.Get("Location") != path {
		t.Errorf("by the button: %d %s", a.status, a.header.Get("Location"))
	}
	s.order(s.do("POST", path+"/publish", ""), 200)
	if a := s.do("POST", "/order/99/publish", ""); a.status != 404 {
		t.Errorf("unknown order: %d", a.status)
	}
	var doc feed.JSONFeed
	s.decode(s.get("/order/feed"), &doc)
	if len(doc.Items) != 3 || doc.Items[0].Event.Subject != id || doc.Items[0].Event.Kind != placed ||
		withoutUpdated(t, s, doc.Items[0]) != withoutUpdated(t, s, doc.Items[2]) {
		t.Errorf("entries %+v", doc.Items)
	}
	if a := s.json("PUT", path, text(asked(1, 2)), "If-Match", tag); a.status != 200 {
		t.Errorf("change with the ETag from before: %d; republication does not change the order", a.status)
	}
	r.answer(t, s.epoch(), id, 2) // the second of four entries: the change is not acknowledged
	s.untilReported("c 2 open 2 holes 0")
}

func withoutUpdated(t *testing.T, s *shop, i feed.JSONItem) string {
	t.Helper()
	var snapshot map[string]any
	s.decode(reply{body: string(i.Event.Snapshot)}, &snapshot)
	delete(snapshot, "updated")
	return text(snapshot)
}

// Two instances look for skipped orders at once. Each order is republished by one of them, again
// after pauses that double, and five times at most.
func TestSkippedOrdersAreRepublished(t *testing.T) {
	t.Parallel()
	r := receive(t, "c")
	s := watched(t, time.Hour, r)
	for range 3 {
		s.place()
	}
	orders := newOrders(s.db.DB, outbox.New(s.db))
	// The log has an event of an order that does not exist. It does not block the others.
	if err := orders.log.Append(s.db.DB, outbox.Event{Subject: 99, Kind: placed, Snapshot: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Exec("INSERT INTO delivery_hole VALUES ('c', 0, 99)").Error; err != nil {
		t.Fatal(err)
	}
	r.answer(t, s.epoch(), 2, 2)
	s.untilReported("c 2 open 4 holes 2")
	one := &republisher{orders, &Deliveries{db: s.db.DB, followers: []follower{{consumer: "c"}}}, time.Hour}
	republished := func() int64 {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := one.republishDue(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.until("published", func() bool { return s.number("SELECT count(*) FROM outbox_pending") == 0 })
		return s.number("SELECT count(*) FROM outbox_position") - 4
	}
	age := func(d string) {
		if err := s.db.Exec("UPDATE outbox_position SET published = published - ?::interval", d).Error; err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		older string
		want  int64
	}{{"30 minutes", 0}, {"31 minutes", 1}, {"0", 1}, {"61 minutes", 1}, {"61 minutes", 2}, {"9 hours", 3}, {"9 hours", 4}, {"20 hours", 5}, {"900 hours", 5}} {
		age(step.older)
		if got := republished(); got != step.want {
			t.Fatalf("after another %s: %d republications, want %d", step.older, got, step.want)
		}
	}
	if n := s.number("SELECT count(*) FROM outbox_event WHERE subject = 1"); n != 6 {
		t.Errorf("order 1 has %d entries, want 6: only it was skipped", n)
	}
	r.answer(t, s.epoch(), 1, 9)
	s.untilReported("c 9 open 3 holes 3") // now order 3 is skipped
}

func TestInvalidConsumersAreRefused(t *testing.T) {
	t.Parallel()
	for _, feeds := range []string{"invoicing", "=http://x/", "a b=http://x/", "c=nowhere"} {
		if _, err := newFollowers(&service.Service{DB: &postgres.DB{}}, nil, config{Feeds: []string{feeds}, Schedule: "@every 1s"}); err == nil || !strings.Contains(err.Error(), "ACK_FEEDS") {
			t.Errorf("%s: %v", feeds, err)
		}
	}
}

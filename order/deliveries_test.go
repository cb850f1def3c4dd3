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
	"msatom/shared/feed/feedweb"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/service"
	"msatom/shared/web"
)

// receiver is a consumer as order sees it: a feed that answers order's entries.
type receiver struct {
	*feed.Log
	db     *postgres.DB
	server *httptest.Server
}

func receive(t testing.TB, name string) *receiver {
	t.Helper()
	db := pgtest.Open(t, feed.Migration())
	r := &receiver{db: db, Log: feed.NewLog(db, feed.About{Name: name, Path: "/" + name + "/feed", Home: "/",
		Describe: func(e feed.Entry) (string, string, string) {
			return "done", "done", fmt.Sprintf("/%s/%d", name, e.Subject)
		}})}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	e := web.New(web.Options{Service: name, Ready: func() (bool, string) { return true, "" }})
	feedweb.New(e, r.Log)
	r.server = httptest.NewServer(e)
	t.Cleanup(func() { r.server.CloseClientConnections(); cancel(); running.Wait(); r.server.Close() })
	return r
}

// answer acknowledges the entries at positions of a log, for the subjects.
func (r *receiver) answer(t testing.TB, epoch string, subjectsAndPositions ...int64) {
	t.Helper()
	for i := 0; i < len(subjectsAndPositions); i += 2 {
		entry := fmt.Sprintf("tag:msatom.example,2026:order/%s/%d", epoch, subjectsAndPositions[i+1])
		e := feed.Event{Subject: subjectsAndPositions[i], Kind: "open", ReplyTo: entry, Snapshot: []byte(`{"instance":"there-1"}`)}
		if err := r.Append(r.db.DB, e); err != nil {
			t.Fatal(err)
		}
	}
	err := r.Publish(t.Context())
	for errors.Is(err, context.DeadlineExceeded) { // it waits for no longer
		err = r.Publish(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// watched is a shop that follows consumers.
func watched(t testing.TB, again time.Duration, consumers ...*receiver) *shop {
	cfg := config{Wait: 25 * time.Second, Schedule: "@every 1h", RepublishAfter: again}
	for _, c := range consumers {
		cfg.Feeds = append(cfg.Feeds, c.Name+"="+c.server.URL+c.Path)
	}
	s := start(t, pgtest.URL(t), cfg)
	s.wait()
	return s
}

func (s *shop) epoch() (epoch string) {
	s.t.Helper()
	if err := s.db.Raw("SELECT epoch FROM feed_log").Scan(&epoch).Error; err != nil {
		s.t.Fatal(err)
	}
	return epoch
}

// report reads the deliveries.
func (s *shop) report() (r Report) {
	s.t.Helper()
	s.decode(s.get("/order/deliveries"), &r)
	return r
}

// told says how far the consumers are: "invoicing 3 open 2 holes 1".
func (r Report) told() string {
	var list []string
	for _, c := range r.Consumers {
		list = append(list, fmt.Sprintf("%s %d open %d holes %d", c.Consumer, c.Last, c.Open, c.Holes))
	}
	return strings.Join(list, ", ")
}

func (s *shop) untilTold(want string) {
	s.t.Helper()
	s.until(want, func() bool { return s.report().told() == want })
}

// delivered reads an order with its deliveries.
func (s *shop) delivered(id int64) (d []Delivery, etag string) {
	s.t.Helper()
	a := s.get(fmt.Sprint("/order/", id))
	var o struct{ Deliveries []Delivery }
	s.decode(a, &o)
	return o.Deliveries, a.header.Get("ETag")
}

func TestAnAcknowledgementIsSeenAtTheOrder(t *testing.T) {
	invoicing, shipping := receive(t, "invoicing"), receive(t, "shipping")
	s := watched(t, 0, invoicing, shipping)
	id := s.place()
	before, tag := s.delivered(id)
	if len(before) != 2 || before[0].Consumer != "invoicing" || before[0].Acknowledged != nil || before[1].Acknowledged != nil {
		t.Fatalf("at first %+v", before)
	}
	if !strings.Contains(s.page(fmt.Sprint("/order/", id)), "not yet") {
		t.Error("the page does not say that acknowledgements are missing")
	}
	invoicing.answer(t, s.epoch(), id, 1)
	s.untilTold("invoicing 1 open 0 holes 0, shipping 0 open 1 holes 0")
	after, tagAfter := s.delivered(id)
	got := after[0]
	if got.Acknowledged == nil || got.Took() <= 0 || got.Took() > time.Minute || got.Instance != "there-1" || got.Record != "/invoicing/1" || after[1].Acknowledged != nil {
		t.Errorf("afterwards %+v", after)
	}
	page := s.page(fmt.Sprint("/order/", id))
	if !strings.Contains(page, "there-1") || !strings.Contains(page, "not yet") {
		t.Errorf("the page does not show who acknowledged and who did not:\n%s", page)
	}

	// The entity tag tells the two representations apart, and either is good for a change.
	if tag == tagAfter {
		t.Errorf("both representations have the tag %s", tag)
	}
	if a := s.get("/order/1", "If-None-Match", tagAfter); a.status != 304 {
		t.Errorf("the same again: %d", a.status)
	}
	if a := s.json("PUT", "/order/1", text(asked(1, 2)), "If-Match", tag); a.status != 200 {
		t.Errorf("a change of the order as it was before the acknowledgement: %d", a.status)
	}
	if a := s.do("DELETE", "/order/1", "", "If-Match", tagAfter); a.status != 412 {
		t.Errorf("cancelling the order as it is no more: %d", a.status)
	}
	if changed, _ := s.delivered(id); changed[0].Acknowledged != nil || changed[0].Record != "/invoicing/1" {
		t.Errorf("the change is acknowledged already: %+v", changed)
	}
	if r := s.report(); len(r.Oldest) != 1 || r.Oldest[0].Position != 1 || strings.Join(r.Oldest[0].Missing, " ") != "shipping invoicing" {
		t.Errorf("open orders %+v", r.Oldest)
	}
}

// What is open and what is a hole, while acknowledgements come in any order.
func TestHoles(t *testing.T) {
	for _, c := range []struct {
		name string
		acks [][]int64 // pairs of subject and position, a list for each document
		want string
	}{
		{"none", nil, "c 0 open 5 holes 0"},
		{"all", [][]int64{{1, 1, 2, 2, 3, 3, 1, 4, 2, 5}}, "c 5 open 0 holes 0"},
		{"only the latest of each", [][]int64{{3, 3, 1, 4, 2, 5}}, "c 5 open 0 holes 0"},
		{"some passed over", [][]int64{{1, 1}, {1, 4}}, "c 4 open 3 holes 2"},
		{"a hole is filled", [][]int64{{1, 1}, {1, 4}, {3, 3}}, "c 4 open 2 holes 1"},
		{"a later entry fills an earlier hole", [][]int64{{1, 4}, {2, 5}}, "c 5 open 1 holes 1"},
		{"older after newer", [][]int64{{2, 5}, {2, 2}, {1, 1}}, "c 5 open 2 holes 2"},
		{"again and again", [][]int64{{1, 1}, {1, 1}, {1, 1}}, "c 1 open 4 holes 0"},
		{"of what is not there", [][]int64{{1, 1}, {1, 99}}, "c 1 open 4 holes 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := receive(t, "c")
			s := watched(t, 0, r)
			for range 3 {
				s.place()
			}
			for _, id := range []string{"1", "2"} {
				s.order(s.json("PUT", "/order/"+id, text(asked(1, 2))), 200)
			}
			for _, acks := range c.acks {
				r.answer(t, s.epoch(), acks...)
				taken := fmt.Sprint(r.number(t, "SELECT max(position) FROM feed_position"))
				s.until("taken in", func() bool {
					return fmt.Sprint(s.number("SELECT position FROM poll_cursor")) == taken
				})
			}
			if got := s.report().told(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func (r *receiver) number(t testing.TB, query string) (n int64) {
	t.Helper()
	if err := r.db.Raw(query).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// Answers to another log's entries say nothing about this one's.
func TestAnotherEpochDoesNotCount(t *testing.T) {
	r := receive(t, "c")
	s := watched(t, 0, r)
	s.place()
	s.place()
	r.answer(t, "00000000-0000-0000-0000-000000000000", 1, 1)
	r.answer(t, s.epoch(), 2, 2)
	s.untilTold("c 2 open 1 holes 1")
	if d, _ := s.delivered(1); d[0].Acknowledged != nil {
		t.Errorf("acknowledged: %+v", d)
	}
}

// A consumer that is not there yet is no concern of who places orders, and is heard soon after it comes.
func TestAConsumerThatComesLater(t *testing.T) {
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
	s := start(t, pgtest.URL(t), config{Feeds: []string{"c=" + door.URL + "/c/feed"}, Schedule: "@every 1h"})
	s.wait()
	id := s.place()
	s.until("said what is wrong", func() bool { return strings.Contains(s.report().Consumers[0].Poll.Error, "503") })
	if !strings.Contains(s.page("/order/deliveries"), "cannot be read since") {
		t.Error("the page does not say that the feed cannot be read")
	}
	r.answer(t, s.epoch(), id, 1)
	mu.Lock()
	away = false
	mu.Unlock()
	s.untilTold("c 1 open 0 holes 0")
}

func TestPublishedAgain(t *testing.T) {
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
		t.Errorf("an order that is not there: %d", a.status)
	}
	var doc feed.JSONFeed
	s.decode(s.get("/order/feed"), &doc)
	if len(doc.Items) != 3 || doc.Items[0].Event.Subject != id || doc.Items[0].Event.Kind != placed ||
		withoutUpdated(t, s, doc.Items[0]) != withoutUpdated(t, s, doc.Items[2]) {
		t.Errorf("entries %+v", doc.Items)
	}
	if a := s.json("PUT", path, text(asked(1, 2)), "If-Match", tag); a.status != 200 {
		t.Errorf("a change after it: %d; the order is as it was", a.status)
	}
	r.answer(t, s.epoch(), id, 2) // the second of four entries: the change is still missing
	s.untilTold("c 2 open 2 holes 0")
}

func withoutUpdated(t *testing.T, s *shop, i feed.JSONItem) string {
	t.Helper()
	var snapshot map[string]any
	s.decode(reply{body: string(i.Event.Snapshot)}, &snapshot)
	delete(snapshot, "updated")
	return text(snapshot)
}

// Two instances look for what was passed over: each is published again once by one of them, then not before twice the pause,
// and not for ever.
func TestPassedOverAndPublishedAgain(t *testing.T) {
	r := receive(t, "c")
	s := watched(t, time.Hour, r)
	for range 3 {
		s.place()
	}
	orders := newOrders(s.db.DB, newLog(s.db, nil))
	// The log speaks of an order that is not there: it is passed over too, and holds up no other.
	if err := orders.log.Append(s.db.DB, feed.Event{Subject: 99, Kind: placed, Snapshot: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Exec("INSERT INTO delivery_hole VALUES ('c', 0, 99)").Error; err != nil {
		t.Fatal(err)
	}
	r.answer(t, s.epoch(), 2, 2)
	s.untilTold("c 2 open 4 holes 2")
	one := &republisher{orders, &Deliveries{db: s.db.DB, followers: []follower{{consumer: "c"}}}, time.Hour}
	look := func() int64 {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := one.look(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.until("published", func() bool { return s.number("SELECT count(*) FROM feed_pending") == 0 })
		return s.number("SELECT count(*) FROM feed_position") - 4
	}
	age := func(d string) {
		if err := s.db.Exec("UPDATE feed_position SET published = published - ?::interval", d).Error; err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		older string
		want  int64
	}{{"30 minutes", 0}, {"31 minutes", 1}, {"0", 1}, {"61 minutes", 1}, {"61 minutes", 2}, {"9 hours", 3}, {"9 hours", 4}, {"20 hours", 5}, {"900 hours", 5}} {
		age(step.older)
		if got := look(); got != step.want {
			t.Fatalf("after another %s: %d times published again, want %d", step.older, got, step.want)
		}
	}
	if n := s.number("SELECT count(*) FROM feed_event WHERE subject = 1"); n != 6 {
		t.Errorf("order 1 has %d entries; only it was passed over", n)
	}
	r.answer(t, s.epoch(), 1, 9)
	s.untilTold("c 9 open 3 holes 3") // order 3 is passed over now
}

func TestNoSuchConsumer(t *testing.T) {
	for _, feeds := range []string{"invoicing", "=http://x/", "a b=http://x/", "c=nowhere"} {
		if _, err := newFollowers(&service.Service{DB: &postgres.DB{}}, nil, config{Feeds: []string{feeds}, Schedule: "@every 1s"}); err == nil || !strings.Contains(err.Error(), "ACK_FEEDS") {
			t.Errorf("%s: %v", feeds, err)
		}
	}
}

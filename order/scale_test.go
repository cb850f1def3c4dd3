// The cost of a request does not grow with the number of orders: no big table is scanned. Postgres
// itself counts that.
package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"msatom/shared/postgres/pgtest"
)

const (
	manyOrders  = 50_000
	maxRowsRead = 1000 // by one of the requests below
)

// fill writes manyOrders orders: the oldest 60 of customer 3, the newest 300 of customer 2, and all
// others of customer 1.
func (s *shop) fill() {
	s.t.Helper()
	s.customer("Rare", "Guest")
	err := s.db.Exec(fmt.Sprintf(`
		SET session_replication_role = replica; -- skips the checks of foreign keys
		INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
			SELECT CASE WHEN i <= 60 THEN 3 WHEN i > %[1]d - 300 THEN 2 ELSE 1 END, 'placed', now(), 's', 'z', 'c', 's', 'z', 'c' FROM generate_series(1, %[1]d) i;
		INSERT INTO order_line SELECT i, 1, 1, 1, 'iPod', 42 FROM generate_series(1, %[1]d) i;
		INSERT INTO outbox_event (subject, kind, withdraws, snapshot)
			SELECT i, 'placed', false, json_build_object('id', i) FROM generate_series(1, %[1]d) i;
		INSERT INTO outbox_position SELECT i, i, '2026-01-01' FROM generate_series(1, %[1]d) i;
		SET session_replication_role = DEFAULT;
		ANALYZE`, manyOrders)).Error
	if err != nil {
		s.t.Fatal(err)
	}
}

// reads returns how often big tables were scanned, and how many of their rows were read by any
// means. A connection reports its counts when it ends, so reads waits until only the connection for
// notifications is left.
func reads(t *testing.T, database string) (scans, rows int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for others, end := 1, time.Now().Add(time.Minute); others > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are kept", others)
		}
		err := c.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'listen'`).Scan(&others)
		if err != nil {
			t.Fatal(err)
		}
	}
	err = c.QueryRow(t.Context(), `SELECT sum(seq_scan)::bigint, sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
		WHERE relname IN ('orders', 'order_line', 'outbox_event', 'outbox_position')`).Scan(&scans, &rows)
	if err != nil {
		t.Fatal(err)
	}
	return scans, rows
}

func TestManyOrdersAreNeverScanned(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t, migrations...)
	before := start(t, database, config{})
	before.wait()
	before.fill()
	before.stop()
	scans, rows := reads(t, database)

	var s *shop
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"start", func() {
			s = start(t, database, config{})
			s.db.Pool.SetMaxIdleConns(0) // every connection ends after its use and reports its counts
			s.wait()
		}},
		{"recent document", func() { s.feed() }},
		{"recent document in JSON", func() { s.get("/order/feed") }},
		{"oldest document", func() { s.get("/order/feed/1") }},
		{"newest document", func() { s.get(fmt.Sprintf("/order/feed/%d", manyOrders/100)) }},
		{"nothing new", func() {
			tag := s.get("/order/feed").header.Get("ETag")
			for range 100 {
				if a := s.get("/order/feed", "If-None-Match", tag); a.status != 304 {
					t.Errorf("%d", a.status)
				}
			}
		}},
		{"list", func() { s.part(50, "/order/") }},
		{"list as a page", func() { s.page("/order/") }},
		{"list from the middle", func() { s.part(50, "/order/?before=25000") }},
		{"end of the list", func() { s.part(9, "/order/?before=10") }},
		{"orders of a customer with nearly all", func() { s.part(50, "/order/?name=wolff") }},
		{"orders of a customer with the newest", func() { s.part(50, "/order/?name=johnson") }},
		{"orders of a customer with the oldest", func() { s.part(50, "/order/?name=guest") }},
		{"orders of an unknown customer", func() { s.part(0, "/order/?name=nobody") }},
		{"list by amount", func() { s.part(50, "/order/?sort=highest"); s.part(50, "/order/?sort=lowest") }},
		{"list by amount from the middle", func() {
			s.part(50, "/order/?sort=highest&after=0.00-25000")
			s.part(50, "/order/?sort=lowest&after=0.00-25000")
		}},
		{"oldest orders first", func() { s.part(50, "/order/?sort=oldest&after=1000") }},
		{"orders of a customer with the oldest, by amount", func() { s.part(50, "/order/?name=guest&sort=highest") }},
		{"orders of a customer with nearly all, by amount", func() { s.part(50, "/order/?name=wolff&sort=lowest") }},
		{"one order", func() { s.get("/order/25000") }},
		{"form of an order", func() { s.page("/order/form.html?order=25000") }},
		{"place, change and cancel", func() {
			path := fmt.Sprintf("/order/%d", s.place())
			s.order(s.json("PUT", path, text(asked(2, 2))), 200)
			s.order(s.do("DELETE", path, ""), 200)
		}},
	} {
		c.do()
		nowScans, nowRows := reads(t, database)
		if nowScans != scans || nowRows-rows > maxRowsRead {
			t.Errorf("%s: %d scans and %d rows read, want none and at most %d", c.name, nowScans-scans, nowRows-rows, maxRowsRead)
		}
		scans, rows = nowScans, nowRows
	}

	s.number("SELECT count(*) FROM orders WHERE shipping_zip = 'x'")
	if after, _ := reads(t, database); after == scans {
		t.Error("a scan is not counted: this test shows nothing")
	}
}

// part reads one part of a list, which must have n orders.
func (s *shop) part(n int, path string) {
	s.t.Helper()
	var list []any
	if s.decode(s.get(path), &list); len(list) != n {
		s.t.Errorf("%s: %d orders, want %d", path, len(list), n)
	}
}

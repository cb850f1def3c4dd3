// What a request costs does not grow with the number of orders: no big table is ever scanned. Postgres itself counts that.
package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"msatom/shared/postgres/pgtest"
)

const (
	many = 200_000 // orders
	most = 1000    // rows that may be read for one of the requests below
)

// fill writes many orders: the oldest of customer 3, the newest of customer 2, and all others of customer 1.
func (s *shop) fill() {
	s.t.Helper()
	s.customer("Rare", "Guest")
	err := s.db.Exec(fmt.Sprintf(`
		SET session_replication_role = replica; -- spares the checks of foreign keys
		INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
			SELECT CASE WHEN i <= 60 THEN 3 WHEN i > %[1]d - 300 THEN 2 ELSE 1 END, 'placed', now(), 's', 'z', 'c', 's', 'z', 'c' FROM generate_series(1, %[1]d) i;
		INSERT INTO order_line SELECT i, 1, 1, 1, 'iPod', 42 FROM generate_series(1, %[1]d) i;
		INSERT INTO feed_event (subject, kind, withdraws, snapshot)
			SELECT i, 'placed', false, json_build_object('id', i) FROM generate_series(1, %[1]d) i;
		INSERT INTO feed_position SELECT i, i, '2026-01-01' FROM generate_series(1, %[1]d) i;
		SET session_replication_role = DEFAULT;
		ANALYZE`, many)).Error
	if err != nil {
		s.t.Fatal(err)
	}
}

// reads is how often big tables were scanned, and how many of their rows were read by any means, as Postgres counts it. It asks when nobody
// else is connected any more, because a connection reports at its end at the latest.
func reads(t *testing.T, database string) (scans, rows int64) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for others := 1; others > 0; {
		err := c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&others)
		if err != nil {
			t.Fatal(err)
		}
	}
	err = c.QueryRow(ctx, `SELECT sum(seq_scan)::bigint, sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
		WHERE relname IN ('orders', 'order_line', 'feed_event', 'feed_position')`).Scan(&scans, &rows)
	if err != nil {
		t.Fatal(err)
	}
	return scans, rows
}

func TestManyOrdersAreNeverScanned(t *testing.T) {
	database := pgtest.URL(t)
	before := start(t, database, config{})
	before.wait()
	before.fill()
	before.stop()
	scans, rows := reads(t, database)

	for _, c := range []struct {
		name string
		do   func(s *shop)
	}{
		{"start", func(*shop) {}},
		{"recent document", func(s *shop) { s.feed() }},
		{"recent document in JSON", func(s *shop) { s.get("/order/feed") }},
		{"oldest document", func(s *shop) { s.get("/order/feed/1") }},
		{"newest document", func(s *shop) { s.get(fmt.Sprintf("/order/feed/%d", many/100)) }},
		{"nothing new", func(s *shop) {
			tag := s.get("/order/feed").header.Get("ETag")
			for range 100 {
				if a := s.get("/order/feed", "If-None-Match", tag); a.status != 304 {
					t.Errorf("%d", a.status)
				}
			}
		}},
		{"list", func(s *shop) { s.part(50, "/order/") }},
		{"list as a page", func(s *shop) { s.page("/order/") }},
		{"list from the middle", func(s *shop) { s.part(50, "/order/?before=100000") }},
		{"list at its end", func(s *shop) { s.part(9, "/order/?before=10") }},
		{"orders of a customer who has nearly all", func(s *shop) { s.part(50, "/order/?name=wolff") }},
		{"orders of a customer who has the newest", func(s *shop) { s.part(50, "/order/?name=johnson") }},
		{"orders of a customer who has the oldest", func(s *shop) { s.part(50, "/order/?name=guest") }},
		{"orders of nobody", func(s *shop) { s.part(0, "/order/?name=nobody") }},
		{"list by amount", func(s *shop) { s.part(50, "/order/?sort=highest"); s.part(50, "/order/?sort=lowest") }},
		{"list by amount from the middle", func(s *shop) {
			s.part(50, "/order/?sort=highest&after=100000")
			s.part(50, "/order/?sort=lowest&after=100000")
		}},
		{"list from the oldest on", func(s *shop) { s.part(50, "/order/?sort=oldest&after=1000") }},
		{"orders of a customer who has the oldest, by amount", func(s *shop) { s.part(50, "/order/?name=guest&sort=highest") }},
		{"orders of a customer who has nearly all, by amount", func(s *shop) { s.part(50, "/order/?name=wolff&sort=lowest") }},
		{"one order", func(s *shop) { s.get("/order/100000") }},
		{"form of an order", func(s *shop) { s.page("/order/form.html?order=100000") }},
		{"place, change and cancel", func(s *shop) {
			path := fmt.Sprintf("/order/%d", s.place())
			s.order(s.json("PUT", path, text(asked(2, 2))), 200)
			s.order(s.do("DELETE", path, ""), 200)
		}},
	} {
		s := start(t, database, config{})
		s.wait()
		c.do(s)
		s.stop()
		nowScans, nowRows := reads(t, database)
		if nowScans != scans || nowRows-rows > most {
			t.Errorf("%s: %d scans and %d rows read, want none and at most %d", c.name, nowScans-scans, nowRows-rows, most)
		}
		scans, rows = nowScans, nowRows
	}

	s := start(t, database, config{})
	s.number("SELECT count(*) FROM orders WHERE shipping_zip = 'x'")
	s.stop()
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

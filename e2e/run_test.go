package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"msatom/tools/system"
)

// run starts the system as `make run` does.
func run(t *testing.T, config system.Config) *system.System {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	config.Dir = t.TempDir()
	if testing.Verbose() {
		config.Output = os.Stdout
	}
	s, err := system.Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestWithoutDocker(t *testing.T) {
	t.Parallel()
	s := run(t, system.Config{Scale: map[string]int{"order": 2, "invoicing": 2, "shipping": 2}, Env: []string{"TZ=America/New_York"}})
	tour(t, visit(t, s.URL()))
	t.Run("times are UTC", func(t *testing.T) { allUTC(t, visit(t, s.URL())) })
	t.Run("held through the front door", func(t *testing.T) { held(t, visit(t, s.URL())) })
	t.Run("a neighbour in the database", func(t *testing.T) { neighbour(t, visit(t, s.URL()), s.DatabaseURL("shipping")) })
	t.Run("locks of a frozen instance", func(t *testing.T) { unlocked(t, visit(t, s.URL()), s.DatabaseURL("order")) })
}

// neighbour checks that the role of another service cannot stop order's feed with advisory locks, nor take all connections.
func neighbour(t *testing.T, s *shop, database string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	db, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	// The sequencer of each service used to take such a lock.
	if _, err := db.Exec(ctx, "SELECT pg_advisory_lock(oid::bigint) FROM pg_class WHERE relname LIKE 'outbox%'"); err != nil {
		t.Fatal(err)
	}
	var others []*pgx.Conn
	for {
		c, err := pgx.Connect(ctx, database)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "53300" { // too_many_connections
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, c)
	}
	t.Logf("%d connections of one role", len(others))
	if len(others) > 100 {
		t.Error("one role can take all connections")
	}
	id := s.placeForm("1")
	eventually(t, "order "+id+" is in the feed", 10*time.Second, func() bool {
		return strings.Contains(string(s.must(200, "GET", "/order/feed", "", asAtom...).body), "<title>Order "+id+"</title>")
	})
	for _, c := range others {
		c.Close(context.Background())
	}
}

// unlocked checks that a change waits for the lock of a transaction that does nothing, such as that of a frozen instance, and succeeds.
func unlocked(t *testing.T, s *shop, orderDatabase string) {
	id := s.placeForm("1")
	db, err := pgx.Connect(t.Context(), orderDatabase)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), "BEGIN; SELECT FROM orders WHERE id = "+id+" FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	for refused := 0; ; refused++ {
		a, err := s.ask("DELETE", "/order/"+id, "", asJSON...)
		if err == nil && a.status == 200 {
			return
		}
		if refused > 0 { // once on a slow machine, where a request has little of its 3 s left when the lock is freed after 2 s
			t.Fatalf("%d %s, %v", a.status, a.body, err)
		}
	}
}

// allUTC checks the times in JSON and in feeds. The services run in another time zone.
func allUTC(t *testing.T, s *shop) {
	timestamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)`)
	id := s.placeForm("1")
	s.must(202, "POST", "/invoicing/reconcile", "", asJSON...)
	for _, path := range []string{"/order/", "/order/" + id, "/order/deliveries", "/order/feed", "/invoicing/", "/invoicing/state", "/invoicing/feed", "/shipping/state"} {
		found := timestamp.FindAllSubmatch(s.must(200, "GET", path, "", asJSON...).body, -1)
		for _, m := range found {
			if string(m[1]) != "Z" {
				t.Errorf("%s: %s", path, m[0])
			}
		}
		if len(found) == 0 {
			t.Errorf("%s: no times", path)
		}
	}
}

// held waits for the feed longer than Apache waits for other responses: first until the time is up, then until an order comes.
func held(t *testing.T, s *shop) {
	etag := s.settled()
	if a := s.must(304, "GET", "/order/feed", "", append(asAtom, "If-None-Match", etag, "Prefer", "wait=12")...); a.header.Get("Preference-Applied") != "wait=12" {
		t.Errorf("not held: %v", a.header)
	}
	answered := make(chan answer, 1)
	go func() {
		a, err := s.ask("GET", "/order/feed", "", append(asAtom, "If-None-Match", etag, "Prefer", "wait=25")...)
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	id := s.placeForm("1")
	if a := <-answered; a.status != 200 || !strings.Contains(string(a.body), "<title>Order "+id+"</title>") {
		t.Errorf("with news: %d\n%.300s", a.status, a.body)
	}
}

// 32 writers place 5,000 orders while three instances of each consumer poll and each program is killed once. Every order gets one
// invoice and one shipment, and every cent is right.
func TestFiveThousandOrders(t *testing.T) {
	t.Parallel()
	s := run(t, system.Config{Scale: map[string]int{"order": 2, "invoicing": 3, "shipping": 3}, Env: []string{"POLL_SCHEDULE=@every 1s", "LOG_LEVEL=warn"}})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var killing sync.WaitGroup
	killing.Go(func() { killThemAll(ctx, t, s) })
	const orders, writers = 5000, 32
	placeAll(ctx, t, visit(t, s.URL()), orders, writers)
	killing.Wait()
	if err := s.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	db, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	eventually(t, "every order delivered", 3*time.Minute, func() bool {
		return count(ctx, t, db, `SELECT least((SELECT count(*) FROM invoicing.invoice), (SELECT count(*) FROM shipping.shipment))`) >= orders
	})
	for _, fact := range []struct {
		what, sql string
		want      int
	}{
		{"orders", `SELECT count(*) FROM "order".orders`, orders},
		{"invoices", `SELECT count(*) FROM invoicing.invoice`, orders},
		{"shipments", `SELECT count(*) FROM shipping.shipment`, orders},
		{"entries of the feed", `SELECT count(*) FROM "order".outbox_position`, orders},
		{"last position", `SELECT max(position) FROM "order".outbox_position`, orders},
		{"events without a position", `SELECT count(*) FROM "order".outbox_pending`, 0},
		{"cursor of invoicing", `SELECT position FROM invoicing.follow_cursor`, orders},
		{"cursor of shipping", `SELECT position FROM shipping.follow_cursor`, orders},
		{"dead letters", `SELECT (SELECT count(*) FROM invoicing.dead_letter) + (SELECT count(*) FROM shipping.dead_letter)`, 0},
		{"lines that differ between order and invoice", `SELECT count(*) FROM (
			(TABLE "order".order_line EXCEPT TABLE invoicing.invoice_line) UNION ALL
			(TABLE invoicing.invoice_line EXCEPT TABLE "order".order_line)) d`, 0},
		{"lines that differ between order and shipment", `SELECT count(*) FROM (
			(SELECT order_id, number, count, item_id, name FROM "order".order_line EXCEPT TABLE shipping.shipment_line) UNION ALL
			(TABLE shipping.shipment_line EXCEPT SELECT order_id, number, count, item_id, name FROM "order".order_line)) d`, 0},
		{"cents that differ", `SELECT ((SELECT sum(count * price) FROM "order".order_line) - (SELECT sum(count * price) FROM invoicing.invoice_line)) * 100`, 0},
		{"cents in all", `SELECT 100 * sum(count * price) FROM invoicing.invoice_line`, orders*10000 + orders/100*4950*4200 + orders*4200},
	} {
		if got := count(ctx, t, db, fact.sql); got != fact.want {
			t.Errorf("%s: %d, want %d", fact.what, got, fact.want)
		}
	}
	if ids := visit(t, s.URL()).follow(ctx); len(ids) != orders {
		t.Errorf("a reader of the feed sees %d entries, want %d", len(ids), orders)
	}
}

// placeAll places n orders. It repeats a request that was not answered with the same idempotency key, as a careful client does.
func placeAll(ctx context.Context, t *testing.T, s *shop, n, writers int) {
	t.Helper()
	var next, again atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				for {
					_, err := s.placeJSON(fmt.Sprint("load ", i), int(i%100)+1)
					if err == nil {
						break
					}
					again.Add(1)
					select {
					case <-ctx.Done():
						t.Errorf("order %d cannot be placed: %v", i, err)
						return
					case <-time.After(100 * time.Millisecond):
					}
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d orders placed by %d writers, %d requests repeated", n, writers, again.Load())
}

// killThemAll kills Postgres, Apache and instances of all services with SIGKILL, one after the other. The system restarts them.
func killThemAll(ctx context.Context, t *testing.T, s *system.System) {
	programs := []*system.Program{s.Postgres(), s.Apache()}
	for _, name := range []string{"order-1", "invoicing-1", "shipping-2", "order-2", "invoicing-3"} {
		programs = append(programs, s.Instance(name).Program)
	}
	for _, p := range programs {
		pid := p.Pid()
		if err := p.Kill(); err != nil {
			t.Errorf("killing %s: %v", p.Name(), err)
		}
		eventually(t, p.Name()+" is restarted", 2*time.Minute, func() bool { now := p.Pid(); return now != 0 && now != pid })
		t.Logf("killed %s, pid %d, restarted as %d", p.Name(), pid, p.Pid())
	}
}

func count(ctx context.Context, t *testing.T, db *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := db.QueryRow(ctx, "SELECT coalesce(("+sql+"), -1)::bigint").Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

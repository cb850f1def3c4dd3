package e2e

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"msatom/tools/system"
)

// The numbers in docs/deployment.md about the load on the database are right: they are measured again.
func TestWhatTheDatabaseSees(t *testing.T) {
	t.Parallel()
	s := run(t, system.Config{Env: []string{"POLL_SCHEDULE=@every 1h", "LOG_LEVEL=warn"}, Postgres: []string{"shared_preload_libraries=pg_stat_statements"}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	db, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, "CREATE EXTENSION pg_stat_statements"); err != nil {
		t.Fatal(err)
	}
	// during counts the statements of a service while do runs: those of its sequencer and of its check of the database, which
	// it makes every second, and all others.
	const own, check = "%outbox_sequence%", "%current_setting(%"
	during := func(service string, do func()) (regular, others int) {
		t.Helper()
		count(ctx, t, db, "SELECT 1 FROM pg_stat_statements_reset()")
		do()
		of := "SELECT sum(calls) FROM pg_stat_statements WHERE userid = '" + service + "'::regrole AND query "
		return max(0, count(ctx, t, db, of+"LIKE ANY (ARRAY['"+own+"', '"+check+"'])")), max(0, count(ctx, t, db, of+"NOT LIKE ALL (ARRAY['"+own+"', '"+check+"']) AND query NOT LIKE '%follow_instance%' AND query NOT LIKE '%count(*)%'"))
	}
	v := visit(t, s.URL())
	poll := func() { v.must(200, "POST", "/invoicing/poll", "", asJSON...) }
	id := v.placeForm("1")
	poll()
	// Wait until order has read invoicing's feed: that costs invoicing statements that no poll causes.
	eventually(t, "the invoice is acknowledged", patience, func() bool {
		for _, d := range v.ofDelivery("/order/" + id).Deliveries {
			if d.Consumer == "invoicing" {
				return d.Acknowledged != nil
			}
		}
		return false
	})
	eventually(t, "a poll that finds nothing new", patience, func() bool {
		return strings.Contains(string(v.must(200, "POST", "/invoicing/poll", "", asJSON...).body), `"notModified":true`)
	})

	const polls = 50
	began := time.Now()
	_, asked := during("invoicing", func() {
		for range polls {
			poll()
		}
	})
	answered := count(ctx, t, db, "SELECT sum(calls) FROM pg_stat_statements WHERE userid = 'order'::regrole AND query LIKE '"+own+"'")
	blocks := count(ctx, t, db, "SELECT max((shared_blks_hit + shared_blks_read) / calls) FROM pg_stat_statements WHERE userid = 'invoicing'::regrole AND query LIKE '%follow_cursor%'")
	ticks := 2*int(time.Since(began).Seconds()+1) + 2

	began = time.Now()
	looks, _ := during("invoicing", func() { time.Sleep(10 * time.Second) })
	idle := time.Since(began)
	_, news := during("invoicing", func() {
		for range 100 {
			v.placeForm("1")
		}
		poll()
	})
	connections := count(ctx, t, db, "SELECT max(n) FROM (SELECT count(*) AS n FROM pg_stat_activity WHERE usename <> 'postgres' GROUP BY usename) c")
	t.Logf("%d polls: %d of invoicing, %d of order (up to %d for its own feed); %d when idle for %v; 100 orders: %d; %d connections, %d blocks", polls, asked, answered, ticks, looks, idle, news, connections, blocks)

	text, err := os.ReadFile("../docs/deployment.md")
	if err != nil {
		t.Fatal(err)
	}
	said := func(what string) int {
		m := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(what) + `[^|]*\| (\d+) \|$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("docs/deployment.md has no number for %q", what)
		}
		return number(string(m[1]))
	}
	if n := said("a poll that finds nothing new: statements of the consumer"); asked != n*polls {
		t.Errorf("%d polls that find nothing new cost invoicing %d statements, not %d each", polls, asked, n)
	}
	if n := said("a manually triggered poll that finds nothing new: statements of `order`"); answered < n*polls || answered > n*polls+ticks {
		t.Errorf("%d polls that find nothing new cost order %d statements, not %d each", polls, answered, n)
	}
	if n := said("blocks that each of these statements reads"); blocks > n {
		t.Errorf("a poll that finds nothing new reads %d blocks, not %d", blocks, n)
	}
	if n := said("a service in which nothing happens: statements per second"); looks > n*int(idle.Seconds()+1)+2 || looks == 0 {
		t.Errorf("%d statements in %v, not %d a second", looks, idle, n)
	}
	if n := said("a poll that finds 100 new orders"); news > n || news < 4 {
		t.Errorf("a poll with 100 orders costs %d statements, not up to %d", news, n)
	}
	if n := said("connections"); connections > n {
		t.Errorf("an instance has %d connections, not up to %d", connections, n)
	}
}

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// How fast a consumer that is far behind catches up: an instance of invoicing starts with an empty database, and the time runs until
// its cursor stands at the last entry.

func catchupPart(b *bench) {
	entries := 100_000
	if b.quick {
		entries = 2_000
	}
	order := b.order()
	defer order.stop()
	b.fill(order, entries)
	var finished string // database of the consumer that finished last
	var peak float64    // most memory of a consumer of this checkout in MB
	follow := func(program string, order *process, env ...string) measure {
		return func(time.Duration) (perSecond float64) {
			var memory float64
			perSecond, finished, memory = b.catchUp(program, order, entries, env...)
			if program == "invoicing" {
				peak = max(peak, memory)
			}
			return perSecond
		}
	}
	takes := []measure{
		follow("invoicing", order),
		follow("invoicing", order, "FEED_FORMAT=json"),
		func(time.Duration) float64 { return b.copyRows(finished, entries) },
		b.oneByOne(order),
	}
	if before := os.Getenv("BEFORE"); before != "" {
		bin := filepath.Join(b.dir, "before")
		b.build(before, bin, "order", "invoicing")
		old := b.service(filepath.Join(bin, "order"), b.database())
		defer old.stop()
		b.fill(old, entries)
		takes = append(takes, follow(filepath.Join(bin, "invoicing"), old))
	}
	s := b.alternate("catch-up", 4, time.Second, takes...)
	what := "catch-up of " + thousands(int64(entries)) + " entries, "
	const yardstick = "COPY of the finished rows"
	b.compare(what+"Atom", "entries/s", s[0], s[2], yardstick, goal{})
	b.compare(what+"JSON", "entries/s", s[1], s[2], yardstick, atLeast(0.4))
	b.compare(what+"JSON", "entries/s", s[1], s[3], "a GET and a transaction per order", atLeast(40))
	if len(s) > 4 {
		b.compare(what+"Atom", "entries/s", s[0], s[4], "the checkout before", atLeast(0.65))
		b.compare(what+"JSON", "entries/s", s[1], s[4], "the checkout before", atLeast(0.95))
		b.compare(what+"the checkout before", "entries/s", s[4], s[2], yardstick, goal{})
	}
	b.show("most memory of invoicing meanwhile", "MB", samples{peak}, below(64, "MB"))
}

// catchUp lets a consumer process all entries, and returns how many it processes per second, the database that it fills, and the most memory
// it has in MB.
func (b *bench) catchUp(program string, order *process, entries int, env ...string) (perSecond float64, database string, peak float64) {
	database = b.database()
	began := time.Now()
	c := b.service(program, database, append(env, "FEED_URL="+order.url()+"/order/feed", "POLL_SCHEDULE=@every 1h")...)
	defer c.stop()
	b.caughtUp(c, entries)
	perSecond = float64(entries) / time.Since(began).Seconds()
	// Its acknowledgements are published behind that; the rows are complete only then.
	b.wait("acknowledgements", 50*time.Millisecond, func() bool {
		return query[bool](b, database, "SELECT NOT EXISTS (SELECT FROM "+b.logTables(database)+"_pending)")[0]
	})
	return perSecond, database, c.memory("VmHWM")
}

// copyRows loads the rows of a consumer's tables into empty ones with the same keys and indexes, by psql, and returns how
// many entries that is per second. There is no faster way to bring rows into Postgres.
func (b *bench) copyRows(from string, entries int) float64 {
	to := b.database()
	b.psql(to, must(exec.CommandContext(b.ctx, filepath.Join(b.system.PostgresBin(), "pg_dump"), "--schema-only", "--no-owner", from).Output()))
	var out, in bytes.Buffer
	for _, t := range []string{"invoice", "invoice_line", "outbox_event", "outbox_position"} {
		fmt.Fprintf(&out, "\\copy %s to '%s/%[1]s.rows'\n", t, b.dir)
		fmt.Fprintf(&in, "\\copy %s from '%s/%[1]s.rows'\n", t, b.dir)
	}
	b.psql(from, out.Bytes())
	began := time.Now()
	b.psql(to, in.Bytes())
	return float64(entries) / time.Since(began).Seconds()
}

func (b *bench) psql(database string, input []byte) {
	cmd := exec.CommandContext(b.ctx, filepath.Join(b.system.PostgresBin(), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.DevNull, database)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		check(fmt.Errorf("psql: %w\n%s", err, out))
	}
}

// oneByOne measures the original's way, for some of the orders: each is fetched from the address in its entry; a transaction of its own
// searches for its invoice and writes it if there is none. Its table is simpler than invoicing's, which favours it.
func (b *bench) oneByOne(order *process) measure {
	database, id := b.database(), 0
	b.sql(database, "CREATE TABLE invoice (id bigint PRIMARY KEY, content json NOT NULL)")
	return func(d time.Duration) float64 {
		c := b.connect(database)
		defer c.Close(b.ctx)
		return many(1, func() error {
			id++
			status, body, err := get(b.ctx, fmt.Sprintf("%s/order/%d", order.url(), id), "Accept", "application/json")
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("order %d: status %d, %w", id, status, err)
			}
			return pgx.BeginFunc(b.ctx, c, func(tx pgx.Tx) error {
				var found bool
				if err := tx.QueryRow(b.ctx, "SELECT EXISTS (SELECT FROM invoice WHERE id = $1)", id).Scan(&found); err != nil || found {
					return err
				}
				_, err := tx.Exec(b.ctx, "INSERT INTO invoice VALUES ($1, $2)", id, body)
				return err
			})
		})(2 * d)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// A consumer that is far behind: how fast it comes up, with its records, their lines and its own feed written.

const catchupText = `An instance of invoicing with an empty database is started, and the time until its cursor stands at the last entry is taken, the start of the
program with its migrations among it. *COPY* is psql loading the rows that it has written, of all tables, into empty ones with the same keys and
indexes: there is no faster way to bring rows into Postgres. *The original's way* is a GET and a transaction for each order, in which the invoice is searched for and written if it is not there.`

const aDocument = `order, invoicing and Postgres share the cores. COPY needs no statement, no commit and no look for what is there already.`

func catchupPart(ctx context.Context, b *bench) error {
	entries, single, rounds := 100_000, 1_500, 5
	if b.quick {
		entries, single, rounds = 2_000, 50, 1
	}
	source, order, err := b.order(ctx)
	if err != nil {
		return err
	}
	defer order.stop()
	if err := b.fill(ctx, source, 1, entries); err != nil {
		return err
	}
	rows := filepath.Join(b.dir, "rows")
	if err := os.MkdirAll(rows, 0o755); err != nil {
		return err
	}
	var memory float64
	finished := ""
	catchUp := func(ctx context.Context, database string, meanwhile func(*process) error) (float64, error) {
		began := time.Now()
		invoicing, err := b.service(ctx, "invoicing", database, "FEED_URL="+order.url()+"/order/feed", "POLL_SCHEDULE=@every 1h")
		if err != nil {
			return 0, err
		}
		defer invoicing.stop()
		if err := meanwhile(invoicing); err != nil {
			return 0, err
		}
		if err := until(ctx, database, "SELECT coalesce(max(position), 0) >= $1 FROM poll_cursor", entries); err != nil {
			return 0, err
		}
		took := time.Since(began)
		// Its own feed is published behind that; the rows are only whole then.
		if err := until(ctx, database, "SELECT count(*) = $1 FROM feed_position", entries); err != nil {
			return 0, err
		}
		peak, err := rss(invoicing.pid(), "VmHWM")
		memory, finished = max(memory, peak), database
		return float64(entries) / took.Seconds(), err
	}
	ours := func(ctx context.Context, _ time.Duration) (float64, error) {
		database, err := b.database(ctx)
		if err != nil {
			return 0, err
		}
		return catchUp(ctx, database, func(*process) error { return nil })
	}
	where := func() (string, error) {
		database, err := b.database(ctx)
		if err != nil {
			return "", err
		}
		var program string
		statements, err := b.statements(ctx, database, func() error {
			_, err := catchUp(ctx, database, func(p *process) (err error) {
				program, err = b.spends(ctx, "invoicing", p, wait)()
				return err
			})
			return err
		})()
		return program + " " + statements, err
	}
	copied := func(ctx context.Context, _ time.Duration) (float64, error) {
		return b.copy(ctx, finished, rows, entries)
	}
	their, from := "", 1 // database of the original's way, and the next order there
	theirs := func(ctx context.Context) (perSecond float64, err error) {
		if their == "" {
			if their, err = b.database(ctx); err == nil {
				err = b.emptyLike(ctx, finished, their)
			}
		}
		began := time.Now()
		if err == nil {
			err = oneByOne(ctx, order.url(), their, from, from+single-1)
		}
		from += single
		return float64(single) / time.Since(began).Seconds(), err
	}
	var each samples
	yardsticks := func(ctx context.Context, d time.Duration) (float64, error) {
		perSecond, err := theirs(ctx)
		each = append(each, perSecond)
		if err != nil {
			return 0, err
		}
		return copied(ctx, d)
	}
	p, err := b.alternateFor(ctx, "catch-up", rounds, 0, ours, yardsticks)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("catch-up with %s entries", thousands(int64(entries)))
	b.compare(what, "entries/s", p, "COPY of the finished rows", atLeast(0.4).because(aDocument).shown(where))

	b.compare("the same, against the original's way", "entries/s", pair{p.a, each[len(each)-len(p.a):]}, "a GET and a transaction for each", atLeast(40).because(aDocument).shown(where))
	b.show("most memory that invoicing had then", "MB", samples{memory}, below(64, "MB"))
	return nil
}

// order starts the order service with a database of its own. Whoever pages through its feed compresses it on the way.
func (b *bench) order(ctx context.Context, env ...string) (database string, order *process, err error) {
	if database, err = b.database(ctx); err != nil {
		return "", nil, err
	}
	order, err = b.service(ctx, "order", database, env...)
	return database, order, err
}

// until waits until a query says true.
func until(ctx context.Context, database, query string, args ...any) error {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for end := time.Now().Add(3 * time.Minute); ; {
		var done bool
		if err := c.QueryRow(ctx, query, args...).Scan(&done); err != nil || done {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within three minutes: %s %v", query, args)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// copied are the tables that a consumer writes.
var copied = []string{"invoice", "invoice_line", "feed_event", "feed_position"}

// copy loads the rows of a consumer's tables into another database, and returns how many entries' rows that is in a second.
func (b *bench) copy(ctx context.Context, from, dir string, entries int) (float64, error) {
	to, err := b.database(ctx)
	if err != nil {
		return 0, err
	}
	if err := b.emptyLike(ctx, from, to); err != nil {
		return 0, err
	}
	var out, in bytes.Buffer
	for _, t := range copied {
		fmt.Fprintf(&out, "\\copy %s to '%s/%s'\n", t, dir, t)
		fmt.Fprintf(&in, "\\copy %s from '%s/%s'\n", t, dir, t)
	}
	if err := b.psql(ctx, from, out.Bytes()); err != nil {
		return 0, err
	}
	began := time.Now()
	err = b.psql(ctx, to, in.Bytes())
	return float64(entries) / time.Since(began).Seconds(), err
}

// emptyLike makes the tables, keys and indexes of one database in another one.
func (b *bench) emptyLike(ctx context.Context, from, to string) error {
	dump := exec.CommandContext(ctx, filepath.Join(b.system.PostgresBin(), "pg_dump"), "--schema-only", "--no-owner", from)
	schema, err := dump.Output()
	if err != nil {
		return fmt.Errorf("pg_dump: %w", err)
	}
	return b.psql(ctx, to, schema)
}

func (b *bench) psql(ctx context.Context, database string, input []byte) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.system.PostgresBin(), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.DevNull, database)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w\n%s", err, out)
	}
	return nil
}

// oneByOne is the original's way: each order is fetched from where its entry says; in a transaction of its own its invoice is first
// searched for, and written if there is none (the recipe, "Data Processing and Scaling").
func oneByOne(ctx context.Context, order, database string, from, to int) error {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	type address struct{ Street, Zip, City string }
	for id := from; id <= to; id++ {
		status, body, err := get(ctx, fmt.Sprintf("%s/order/%d", order, id), "Accept", "application/json")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("order %d: status %d, %w", id, status, err)
		}
		var o struct {
			ID       int64
			Updated  time.Time
			Customer struct {
				CustomerID             int64
				Name, Firstname, Email string
			}
			BillingAddress address
			OrderLine      []struct {
				Count int
				Item  struct {
					ItemID int64
					Name   string
					Price  json.Number
				}
			}
		}
		if err := json.Unmarshal(body, &o); err != nil {
			return err
		}
		err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			var there bool
			if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM invoice WHERE id = $1)`, o.ID).Scan(&there); err != nil || there {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO invoice VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, '', '', 0)`, o.ID, o.Updated,
				o.Customer.CustomerID, o.Customer.Name, o.Customer.Firstname, o.Customer.Email, o.BillingAddress.Street, o.BillingAddress.Zip, o.BillingAddress.City)
			for i, l := range o.OrderLine {
				if err == nil {
					_, err = tx.Exec(ctx, `INSERT INTO invoice_line VALUES ($1, $2, $3, $4, $5, $6::text::numeric)`, o.ID, i+1, l.Count, l.Item.ItemID, l.Item.Name, l.Item.Price.String())
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

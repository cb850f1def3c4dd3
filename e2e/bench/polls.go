package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// What polls without news cost the databases, with one to eight instances of invoicing.

const pollsText = `Each instance polls every second, and there is nothing new. Counted by Postgres are the transactions and the rows that are read for a poll, less what the
same services do without polls.`

func pollsPart(ctx context.Context, b *bench) error {
	database, order, err := b.order(ctx)
	if err != nil {
		return err
	}
	defer order.stop()
	if err := b.fill(ctx, database, 1, 1000); err != nil {
		return err
	}
	own, err := b.database(ctx)
	if err != nil {
		return err
	}
	counts := []int{1, 2, 4, 8}
	if b.quick {
		counts = []int{1}
	}
	for _, n := range counts {
		idle, _, err := b.count(ctx, order, database, own, n, "@every 1h")
		if err != nil {
			return err
		}
		busy, polls, err := b.count(ctx, order, database, own, n, "@every 1s")
		if err != nil {
			return err
		}
		for i, name := range []string{"order's", "invoicing's"} {
			b.show(fmt.Sprintf("%d instances: statements in %s database for a poll", n, name), "", samples{max(0, busy[i].transactions-idle[i].transactions) / polls}, goal{})
			b.show(fmt.Sprintf("%d instances: rows read there for it", n), "", samples{max(0, busy[i].rows-idle[i].rows) / polls}, goal{})
		}
	}
	return nil
}

type work struct{ transactions, rows float64 }

// count runs n instances of invoicing for a while, and returns what the databases of order and of invoicing did meanwhile, and how many
// polls that was.
func (b *bench) count(ctx context.Context, order *process, orders, own string, n int, schedule string) (did [2]work, polls float64, err error) {
	var running []*process
	defer func() {
		for _, p := range running {
			p.stop()
		}
	}()
	for range n {
		p, err := b.service(ctx, "invoicing", own, "FEED_URL="+order.url()+"/order/feed", "POLL_SCHEDULE="+schedule)
		if err != nil {
			return did, 0, err
		}
		running = append(running, p)
	}
	if err := until(ctx, own, "SELECT coalesce(max(position), 0) >= 1000 FROM poll_cursor"); err != nil {
		return did, 0, err
	}
	seconds := b.length(6 * time.Second).Seconds()
	time.Sleep(b.length(2 * time.Second)) // what came with the start is over, and counted
	var before, after [2]work
	for i, database := range []string{orders, own} {
		if before[i], err = worked(ctx, database); err != nil {
			return did, 0, err
		}
	}
	b.progress("%d instances, polls %s", n, schedule)
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	for i, database := range []string{orders, own} {
		if after[i], err = worked(ctx, database); err != nil {
			return did, 0, err
		}
		did[i] = work{after[i].transactions - before[i].transactions, after[i].rows - before[i].rows}
	}
	return did, float64(n) * max(1, seconds), nil
}

func worked(ctx context.Context, database string) (w work, err error) {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return w, err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, `SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())::float8,
		(SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_user_tables)::float8`).Scan(&w.transactions, &w.rows)
	return w, err
}

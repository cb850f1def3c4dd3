package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Evidence is what is found when all is quiet: what writers were told, and what is there.
type Evidence struct {
	subject  Subject
	told     map[int64]told
	refused  []string
	orders   map[int64]order // committed
	log      []event         // by position; those without one have 0
	latest   map[int64]event
	poisoned map[int64]poison // by subject
	found    map[string]found // by consumer
	open     map[string]int64 // by consumer: entries of which order says that they are not acknowledged
	links    []string         // ids of entries as readers saw them
	events   []string
	archived int
	altered  []string // archived documents that are not what they were
}

// event is an entry of the log.
type event struct {
	position  int64
	subject   int64
	kind      string
	order     order
	committed time.Time
	id        string
}

// found is what a consumer has.
type found struct {
	cursor  int64
	records map[int64][]kept // by order
	parked  []int64          // positions
	acked   map[string]time.Time
}

type kept struct {
	void   bool
	record record
}

func (t *trial) evidence(ctx context.Context) (e Evidence, err error) {
	e = Evidence{subject: t.subject, told: t.writers.told, refused: t.writers.refused, poisoned: t.poisoned, latest: map[int64]event{},
		found: map[string]found{}, links: t.readers.links, events: t.readers.events, archived: len(t.readers.archived)}
	if e.orders, err = t.orders(ctx); err != nil {
		return e, err
	}
	if e.log, err = t.log(ctx); err != nil {
		return e, err
	}
	for _, entry := range e.log {
		e.latest[entry.subject] = entry
	}
	for _, c := range t.subject.Consumers {
		if e.found[c.Name], err = t.found(ctx, c); err != nil {
			return e, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	if t.subject.Deliveries {
		if e.open, err = t.open(ctx); err != nil {
			return e, err
		}
	}
	e.altered, err = t.readers.changedArchives(ctx)
	return e, err
}

func (t *trial) orders(ctx context.Context) (map[int64]order, error) {
	rows, err := t.db.Query(ctx, t.subject.Orders)
	if err != nil {
		return nil, err
	}
	orders := map[int64]order{}
	var id int64
	var text string
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		var o order
		err := json.Unmarshal([]byte(text), &o)
		orders[id] = o
		return err
	})
	return orders, err
}

// open asks order how many entries each consumer has not acknowledged.
func (t *trial) open(ctx context.Context) (map[string]int64, error) {
	var report struct {
		Consumers []struct {
			Consumer string
			Open     int64
		}
	}
	a, err := t.readers.get(ctx, t.system.URL()+"/order/deliveries", "application/json")
	if err == nil {
		err = json.Unmarshal(a.body, &report)
	}
	open := map[string]int64{}
	for _, c := range report.Consumers {
		open[c.Consumer] = c.Open
	}
	return open, err
}

func (t *trial) log(ctx context.Context) ([]event, error) {
	rows, err := t.db.Query(ctx, t.subject.Events)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e event, err error) {
		var snapshot string
		var id *string
		if err = row.Scan(&e.position, &e.subject, &e.kind, &snapshot, &e.committed, &id); err != nil {
			return e, err
		}
		if id != nil {
			e.id = *id
		}
		if e.subject < firstPoison {
			err = json.Unmarshal([]byte(snapshot), &e.order)
		}
		return e, err
	})
}

func (t *trial) found(ctx context.Context, c Consumer) (f found, err error) {
	f = found{records: map[int64][]kept{}, acked: map[string]time.Time{}}
	if err := t.db.QueryRow(ctx, "SELECT coalesce(("+c.Cursor+"), 0)").Scan(&f.cursor); err != nil {
		return f, err
	}
	if c.Parked != "" {
		if f.parked, err = column[int64](ctx, t, c.Parked); err != nil {
			return f, err
		}
		slices.Sort(f.parked)
	}
	if c.Acks != "" {
		rows, err := t.db.Query(ctx, c.Acks)
		if err != nil {
			return f, err
		}
		var entry string
		var committed time.Time
		if _, err := pgx.ForEachRow(rows, []any{&entry, &committed}, func() error {
			if first, known := f.acked[entry]; !known || committed.Before(first) {
				f.acked[entry] = committed
			}
			return nil
		}); err != nil {
			return f, err
		}
	}
	rows, err := t.db.Query(ctx, c.Records)
	if err != nil {
		return f, err
	}
	var id int64
	var void bool
	var content string
	_, err = pgx.ForEachRow(rows, []any{&id, &void, &content}, func() error {
		k := kept{void: void}
		if err := json.Unmarshal([]byte(content), &k.record); err != nil {
			return err
		}
		f.records[id] = append(f.records[id], k)
		return nil
	})
	return f, err
}

// column reads a column.
func column[T any](ctx context.Context, t *trial, sql string) ([]T, error) {
	rows, err := t.db.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// lags are how long entries were on their way to a consumer, from the commit of the one to the commit of the other, shortest first.
func (e Evidence) lags(c Consumer) (lags []time.Duration) {
	for _, entry := range e.log {
		if written, ok := e.found[c.Name].acked[entry.id]; ok && entry.id != "" {
			lags = append(lags, written.Sub(entry.committed))
		}
	}
	slices.Sort(lags)
	return lags
}

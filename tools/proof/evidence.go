package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Evidence is what the trial finds when everything is quiet: what the writers were told, what the readers saw, and what is in
// the databases.
type Evidence struct {
	subject  Subject
	told     map[int64]told // by order
	refused  []string       // answers that no writer should get
	orders   map[int64]order
	log      []event         // by position; events without a position come first, with 0
	latest   map[int64]event // by order
	poison   map[int64]poison
	kept     map[string]kept  // by consumer
	open     map[string]int64 // by consumer: entries that, as order reports, it has not acknowledged
	links    []string         // ids of the entries that the reader of links saw
	events   []string         // ids of the entries that the http-feeds reader saw
	archived int              // archived documents, counted once for each media type
	altered  []string         // archived documents that have changed
}

// event is an entry of the log.
type event struct {
	position  int64
	subject   int64
	order     order
	committed time.Time
	id        string
}

// kept is what a consumer has in its tables.
type kept struct {
	cursor      int64
	records     map[int64][]record   // by order
	deadLetters []int64              // positions
	acks        map[string]time.Time // acknowledged entry: time of the commit
}

func (t *trial) evidence(ctx context.Context) (e Evidence, err error) {
	e = Evidence{subject: t.subject, told: t.writers.told, refused: t.writers.refused, poison: t.poison, latest: map[int64]event{},
		kept: map[string]kept{}, links: t.readers.links, events: t.readers.events, archived: len(t.readers.archived)}
	if e.orders, err = t.orders(ctx); err != nil {
		return e, fmt.Errorf("reading the orders: %w", err)
	}
	if e.log, err = t.log(ctx); err != nil {
		return e, fmt.Errorf("reading the log: %w", err)
	}
	for _, entry := range e.log {
		e.latest[entry.subject] = entry
	}
	for _, c := range t.subject.Consumers {
		if e.kept[c.Name], err = t.kept(ctx, c); err != nil {
			return e, fmt.Errorf("reading the records of %s: %w", c.Name, err)
		}
	}
	if t.subject.Deliveries {
		asking, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := retry(asking, func() (err error) { e.open, err = t.unacknowledged(asking); return err }); err != nil {
			return e, err
		}
	}
	e.altered, err = t.readers.changedArchives(ctx)
	return e, err
}

// forEach executes a query and calls do for each row, after scanning it into the variables, which JSON replaces as a whole. Without a
// query it does nothing.
func (t *trial) forEach(ctx context.Context, sql string, do func() error, variables ...any) error {
	if sql == "" {
		return nil
	}
	rows, _ := t.db.Query(ctx, sql) // ForEachRow returns the error
	_, err := pgx.ForEachRow(rows, variables, do)
	return err
}

func (t *trial) orders(ctx context.Context) (map[int64]order, error) {
	orders := map[int64]order{}
	var id int64
	var o order
	err := t.forEach(ctx, t.subject.Orders, func() error {
		orders[id] = o
		return nil
	}, &id, &o)
	return orders, err
}

func (t *trial) log(ctx context.Context) (log []event, err error) {
	var e event
	var snapshot string
	err = t.forEach(ctx, t.subject.Events, func() (err error) {
		e.order = order{}
		if e.subject < firstPoison {
			err = json.Unmarshal([]byte(snapshot), &e.order)
		}
		log = append(log, e)
		return err
	}, &e.position, &e.subject, &snapshot, &e.committed, &e.id)
	return log, err
}

func (t *trial) kept(ctx context.Context, c Consumer) (kept, error) {
	k := kept{records: map[int64][]record{}, acks: map[string]time.Time{}}
	var orderID, position int64
	var r record
	var entryID string
	var committed time.Time
	err := errors.Join(
		t.db.QueryRow(ctx, "SELECT coalesce(("+c.Cursor+"), 0)").Scan(&k.cursor),
		t.forEach(ctx, c.Records, func() error {
			k.records[orderID] = append(k.records[orderID], r)
			return nil
		}, &orderID, &r),
		t.forEach(ctx, c.DeadLetters, func() error {
			k.deadLetters = append(k.deadLetters, position)
			return nil
		}, &position),
		t.forEach(ctx, c.Acks, func() error {
			if first, known := k.acks[entryID]; !known || committed.Before(first) {
				k.acks[entryID] = committed
			}
			return nil
		}, &entryID, &committed),
	)
	return k, err
}

// unacknowledged asks order how many entries each consumer has not acknowledged.
func (t *trial) unacknowledged(ctx context.Context) (map[string]int64, error) {
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

// deliveryTimes returns how many milliseconds the entries took from the commit in order to the commit at c, shortest first.
func (e Evidence) deliveryTimes(c Consumer) (times []float64) {
	for _, entry := range e.log {
		if acked, ok := e.kept[c.Name].acks[entry.id]; ok && entry.id != "" {
			times = append(times, acked.Sub(entry.committed).Seconds()*1000)
		}
	}
	slices.Sort(times)
	return times
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/tools/system"
)

// Options of a trial.
type Options struct {
	Orders int
	Length time.Duration // of the time over which orders and faults are spread
	Seed   uint64
}

const folder = ".run/proof" // for the system's data, its logs and the report

// trial is a trial in progress.
type trial struct {
	Options
	subject Subject
	system  *system.System
	link    *link
	db      *pgxpool.Pool
	began   time.Time
	writers *writers
	readers *readers

	mu       sync.Mutex
	injected []Fault
	poison   map[int64]poison // by subject
	samples  []Sample
	activity string // for the progress line
}

// run puts the subject on trial. An error means that the trial did not take place or was not finished.
func run(ctx context.Context, subject Subject, options Options) (*Report, error) {
	t := &trial{Options: options, subject: subject, poison: map[int64]poison{}}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "starting the system")
	stop, err := t.start(ctx)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	report, err := t.run(ctx)
	fmt.Fprintln(os.Stderr, "stopping the system")
	return report, errors.Join(err, stop())
}

func (t *trial) run(ctx context.Context) (*Report, error) {
	var faults, observers sync.WaitGroup
	defer observers.Wait()
	defer faults.Wait()
	ctx, cancel := context.WithTimeout(ctx, 2*t.Length+5*time.Minute)
	defer cancel()
	observing, stopObserving := context.WithCancel(ctx)
	defer stopObserving()

	if err := t.writers.prepare(ctx); err != nil {
		return nil, err
	}
	t.began = time.Now()
	observers.Go(func() { t.watch(observing) })
	observers.Go(func() { t.readers.run(observing) })
	for _, chain := range plan(t.subject, t.Seed, t.Length) {
		faults.Go(func() { t.injectAll(ctx, chain) })
	}
	if err := t.writers.run(ctx); err != nil {
		return nil, err
	}
	faults.Wait()
	t.note("healing")
	if err := t.heal(ctx); err != nil {
		return nil, err
	}
	t.note("placing the last orders")
	if err := t.lastOrders(ctx); err != nil {
		return nil, err
	}
	t.note("waiting for the consumers")
	settled := t.settle(ctx)
	stopObserving()
	observers.Wait()

	e, err := t.evidence(ctx)
	if err != nil {
		return nil, err
	}
	return t.report(e, settled), nil
}

// start starts the system, with the link between the feeds and their readers. The caller must call stop, also after an error.
func (t *trial) start(ctx context.Context) (stop func() error, err error) {
	log, err := os.OpenFile(filepath.Join(folder, "log.txt"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return func() error { return nil }, err
	}
	stop = func() (err error) {
		if t.db != nil {
			t.db.Close()
		}
		if t.system != nil {
			err = t.system.Stop()
		}
		if t.link != nil {
			t.link.close()
		}
		return errors.Join(err, log.Close())
	}
	scale := map[string]int{}
	for service, n := range t.subject.Instances {
		scale[service] = n + 1 // one to spare, for ScaleUp
	}
	var feeds string // address at which the feeds are read
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	t.system, err = system.Start(starting, system.Config{
		Dir: filepath.Join(folder, "system"), Fresh: true, Output: log, Scale: scale, Replace: t.subject.Replace,
		Postgres: []string{"track_commit_timestamp=on"}, // to measure the delivery time
		Env:      []string{"POLL_SCHEDULE=@every 1s", "POLL_WAIT=5s", "ACK_SCHEDULE=@every 1s", "ACK_WAIT=5s"},
		Between: func(front string) (string, error) {
			if err := log.Truncate(0); err != nil { // not earlier: until the directory is locked, another trial may write to it
				return "", err
			}
			t.link, feeds, err = newLink(front)
			return feeds, err
		},
	})
	if err != nil {
		return stop, err
	}
	if t.db, err = pgxpool.New(ctx, t.system.DatabaseURL("postgres")); err != nil {
		return stop, err
	}
	for service, n := range t.subject.Instances {
		t.system.Instances(service)[n].Down()
	}
	t.writers = newWriters(t)
	t.readers = newReaders(t, feeds)
	started, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := retry(started, func() error { _, err := t.sample(started); return err }); err != nil {
		return stop, fmt.Errorf("%s has started, but its tables are not those of its service: %w", t.subject.Name, err)
	}
	return stop, nil
}

// lastOrders places an order and, when every consumer has it, another within the same second. Then no order follows: an order
// that a consumer misses now is not picked up by chance with the next one.
func (t *trial) lastOrders(ctx context.Context) error {
	for range 20 {
		wait(ctx, time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		first, err := t.writers.placeNext(ctx)
		if err != nil {
			return err
		}
		if !t.arrives(ctx, first.ID, time.Second) {
			continue
		}
		wait(ctx, 300*time.Millisecond) // until all instances have polled
		second, err := t.writers.placeNext(ctx)
		if err != nil || first.Updated == second.Updated {
			return err
		}
	}
	return nil
}

// arrives waits until every consumer has the record of an order, and reports whether that happened within d.
func (t *trial) arrives(ctx context.Context, id int64, d time.Duration) bool {
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 5*time.Millisecond) {
		all := true
		for _, c := range t.subject.Consumers {
			var exists bool
			err := t.db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+c.Table+" WHERE id = $1)", id).Scan(&exists)
			all = all && err == nil && exists
		}
		if all {
			return true
		}
	}
	return false
}

// settle waits until every consumer and every reader has reached the end of the log, and returns how long that took. It gives
// up after the subject's patience; the checks then find the consumer that is behind.
func (t *trial) settle(ctx context.Context) time.Duration {
	began := time.Now()
	for time.Since(began) < t.subject.Patience && ctx.Err() == nil {
		if s, err := t.sample(ctx); err == nil && s.settled() && t.readers.haveRead(s.Log) && t.acknowledged(ctx) {
			break
		}
		wait(ctx, 100*time.Millisecond)
	}
	return time.Since(began)
}

// acknowledged reports whether order knows that everything except the dead letters was delivered.
func (t *trial) acknowledged(ctx context.Context) bool {
	if !t.subject.Deliveries {
		return true
	}
	open, err := t.unacknowledged(ctx)
	for _, c := range t.subject.Consumers {
		if err != nil || open[c.Name] != deadLetters(c, t.poison) {
			return false
		}
	}
	return true
}

// retry calls do until it succeeds or ctx ends.
func retry(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait(ctx, 100*time.Millisecond)
	}
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

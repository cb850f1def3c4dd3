// Package proof puts the system on trial: it starts it, places orders from many writers, meanwhile does to it what a year of
// operation would, lets it settle, and looks whether every promise was kept. `make proof` is a few lines around it.
//
// The flow is in this file. What is done to the system, and when, is in plan.go and faults.go; who writes and who reads
// meanwhile, in writers.go and readers.go; what is then found, in evidence.go; what must be true of it, in checks.go; and how it is
// told, in report.go. It can fail: the folder naive has programs that break these promises, and take a service's place.
package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/e2e/system"
)

// Options of a trial.
type Options struct {
	Orders  int
	Length  time.Duration // for which the orders are spread and faults are done
	Writers int
	Seed    uint64
	Dir     string    // for the system's data, its log and the report
	Out     io.Writer // progress, for people
}

// trial is a running one.
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
	done     []Fault
	poisoned map[int64]poison // by subject
	samples  []Sample
	doing    string // what is done to the system at the moment
}

// Run puts the subject on trial and returns what came of it. An error says that there was no trial, or that it had no end.
func Run(ctx context.Context, subject Subject, options Options) (*Report, error) {
	t := &trial{Options: options, subject: subject, poisoned: map[int64]poison{}}
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return nil, err
	}
	fmt.Fprintln(t.Out, "starting the system")
	stop, err := t.start(ctx)
	if err != nil {
		return nil, err
	}
	report, err := t.run(ctx)
	fmt.Fprintln(t.Out, "stopping it")
	return report, errors.Join(err, stop())
}

func (t *trial) run(ctx context.Context) (*Report, error) {
	var disturbed, beside sync.WaitGroup
	defer beside.Wait()
	defer disturbed.Wait()
	ctx, cancel := context.WithTimeout(ctx, 2*t.Length+5*time.Minute)
	defer cancel()
	if err := t.writers.prepare(ctx); err != nil {
		return nil, err
	}
	chains := plan(t.subject, t.Seed, t.Length)
	t.began = time.Now()
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	beside.Go(func() { t.watch(watching) })
	beside.Go(func() { t.readers.run(watching) })
	for _, chain := range chains {
		disturbed.Go(func() { t.disturb(ctx, chain) })
	}
	if err := t.writers.run(ctx); err != nil {
		return nil, err
	}
	disturbed.Wait()
	t.note("healing")
	if err := t.heal(ctx); err != nil {
		return nil, err
	}
	t.note("the last ones")
	if err := t.lastOnes(ctx); err != nil {
		return nil, err
	}
	t.note("settling")
	settled := t.settle(ctx)
	stopWatching()
	beside.Wait()

	t.note("looking")
	e, err := t.evidence(ctx)
	if err != nil {
		return nil, err
	}
	return t.report(e, settled), nil
}

// start starts the system, with the link between the feeds and their readers, and returns how it is stopped.
func (t *trial) start(ctx context.Context) (stop func() error, err error) {
	log, err := os.OpenFile(filepath.Join(t.Dir, "log.txt"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	var feeds string
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	t.system, err = system.Start(starting, system.Config{
		Dir: filepath.Join(t.Dir, "system"), Fresh: true, Output: log,
		Scale: t.subject.instances(), Replace: t.subject.Sources,
		Postgres: []string{"track_commit_timestamp=on"}, // to see how long each entry was on its way
		Env:      []string{"POLL_SCHEDULE=@every 1s", "POLL_WAIT=5s", "ACK_SCHEDULE=@every 1s", "ACK_WAIT=5s"},
		Between: func(front string) (string, error) {
			if err := log.Truncate(0); err != nil { // not before: another trial may run there
				return "", err
			}
			t.link, feeds, err = newLink(front)
			return feeds, err
		},
	})
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
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	if t.db, err = pgxpool.New(ctx, t.system.DatabaseURL("postgres")); err != nil {
		return nil, errors.Join(err, stop())
	}
	for service, n := range t.subject.Instances {
		for _, spare := range t.system.Instances(service)[n:] {
			spare.Down()
		}
	}
	t.writers = newWriters(t)
	t.readers = newReaders(t, feeds)
	return stop, nil
}

// lastOnes places an order, and when every consumer has it, another in the same second. After that there is silence: what is
// overlooked now is not found again by chance with the next one.
func (t *trial) lastOnes(ctx context.Context) error {
	for range 20 {
		wait(ctx, time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		first, err := t.writers.placeNext(ctx)
		if err != nil {
			return err
		}
		if !t.arrived(ctx, first.ID, time.Second) {
			continue
		}
		wait(ctx, 300*time.Millisecond) // for all instances to have seen it
		second, err := t.writers.placeNext(ctx)
		if err != nil {
			return err
		}
		if first.Updated == second.Updated {
			return nil
		}
	}
	return nil
}

// arrived waits until every consumer has the record of an order, and reports whether that was within d.
func (t *trial) arrived(ctx context.Context, id int64, d time.Duration) bool {
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; {
		there := true
		for _, c := range t.subject.Consumers {
			var has bool
			err := t.db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+c.Table+" WHERE id = $1)", id).Scan(&has)
			there = there && err == nil && has
		}
		if there {
			return true
		}
		wait(ctx, 5*time.Millisecond)
	}
	return false
}

// settle waits until every consumer has come to the end of the log and every reader too, and returns how long that took. A consumer that
// does not come there is found by the checks.
func (t *trial) settle(ctx context.Context) time.Duration {
	began := time.Now()
	for time.Since(began) < t.subject.Patience && ctx.Err() == nil {
		if s, err := t.sample(ctx); err == nil && s.settled() && t.readers.have(s.Log) && t.acknowledged(ctx) {
			break
		}
		wait(ctx, 100*time.Millisecond)
	}
	return time.Since(began)
}

// acknowledged reports whether order knows that everything was delivered but the poison.
func (t *trial) acknowledged(ctx context.Context) bool {
	if !t.subject.Deliveries {
		return true
	}
	open, err := t.open(ctx)
	for _, c := range t.subject.Consumers {
		if open[c.Name] != int64(parkedBy(c, t.poisoned)) {
			return false
		}
	}
	return err == nil
}

// insist does something again until it succeeds.
func (t *trial) insist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait(ctx, 100*time.Millisecond)
	}
}

func (t *trial) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.doing = fmt.Sprintf(format, args...)
}

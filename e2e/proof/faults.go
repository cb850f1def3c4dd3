package proof

import (
	"context"
	"fmt"
	"strings"
	"time"

	"msatom/e2e/system"
)

// How each fault is done to the running system, and healed.

// disturb does one chain of faults, each at its time, or as soon as the one before it is over.
func (t *trial) disturb(ctx context.Context, chain []Fault) {
	for _, f := range chain {
		wait(ctx, time.Until(t.began.Add(f.At)))
		if ctx.Err() != nil {
			return
		}
		t.note("%v", f)
		f.At = time.Since(t.began)
		if err := t.do(ctx, f); err != nil && ctx.Err() == nil {
			f.Note = err.Error()
		}
		f.For = time.Since(t.began) - f.At
		t.mu.Lock()
		t.done = append(t.done, f)
		t.mu.Unlock()
	}
}

func (t *trial) do(ctx context.Context, f Fault) error {
	switch f.Kind {
	case Stop:
		return t.system.Postgres().Restart()
	case Crash:
		return t.system.Postgres().Kill()
	case Cut, Reset, Short, Slow:
		return t.link.disturb(ctx, f)
	case Poison:
		return t.poison(ctx, f)
	case Jam, JamKill, JamStop:
		return t.jam(ctx, f)
	}
	i := t.system.Instance(f.Who)
	switch f.Kind {
	case Kill:
		return i.Kill()
	case Freeze:
		if err := i.Freeze(); err != nil {
			return err
		}
		wait(ctx, f.For)
		return i.Thaw()
	case Restart:
		return i.Restart()
	case More:
		if err := i.Up(); err != nil {
			return err
		}
		wait(ctx, f.For)
		i.Down()
		return nil
	case Less:
		i.Down()
		wait(ctx, f.For)
		return i.Up()
	case Clock:
		i.Setenv("CLOCK_SKEW", f.Step.String())
		return i.Restart()
	}
	return fmt.Errorf("nobody knows how to do %q", f.Kind)
}

// heal brings all instances back that should be there, and takes away those that should not.
func (t *trial) heal(ctx context.Context) error {
	for _, service := range t.subject.Disturbed {
		for n, i := range t.system.Instances(service) {
			if n >= t.subject.Instances[service] {
				i.Down()
			} else if err := i.Up(); err != nil {
				return err
			}
		}
	}
	return t.ready(ctx)
}

// ready waits until those instances are ready that should be there.
func (t *trial) ready(ctx context.Context) error {
	for service, n := range t.subject.Instances {
		for _, i := range t.system.Instances(service)[:n] {
			if err := i.WaitReady(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// poison commits an entry that cannot be processed; if Postgres is away, as soon as it is back.
func (t *trial) poison(ctx context.Context, f Fault) error {
	t.mu.Lock()
	subject := firstPoison + int64(len(t.poisoned))
	for _, p := range poisons {
		if p.what == f.Who {
			t.poisoned[subject] = p
		}
	}
	p := t.poisoned[subject]
	t.mu.Unlock()
	return t.insist(ctx, func() error {
		_, err := t.db.Exec(ctx, feedPoison, subject, p.snapshot)
		return err
	})
}

// jam holds a lock on the records of a service until the fault's time is over; or, where somebody is to be killed or frozen, only until
// its transactions wait for it: they are then in the middle of their work.
func (t *trial) jam(ctx context.Context, f Fault) error {
	service, _, _ := strings.Cut(f.Who, "-")
	table := t.subject.Tables[service]
	tx, err := t.db.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '3s'; LOCK TABLE "+table+" IN SHARE MODE"); err != nil {
		return err
	}
	locked := time.Now()
	enough := 1
	if f.Kind == JamStop && service == "order" {
		enough = 6 // of all its instances; of a consumer one comes so far at a time
	}
	for waiting := 0; waiting < enough; wait(ctx, 10*time.Millisecond) {
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted", table).Scan(&waiting); err != nil {
			return err
		}
		if time.Since(locked) > 2*time.Second && waiting < enough {
			return errNobody
		}
	}
	switch f.Kind {
	case JamKill:
		for _, i := range t.system.Instances(service) {
			if i.Pid() != 0 {
				if err := i.Kill(); err != nil {
					return err
				}
			}
		}
	case JamStop:
		if err := t.system.Instance(f.Who).Freeze(); err != nil {
			return err
		}
		if err := tx.Rollback(ctx); err != nil {
			return err
		}
		wait(ctx, f.For)
		return t.system.Instance(f.Who).Thaw()
	default:
		wait(ctx, time.Until(locked.Add(f.For)))
	}
	return nil
}

var errNobody = fmt.Errorf("nobody came by")

// instances are as many as there may be at most: one more of each service than there normally are.
func (s Subject) instances() map[string]int {
	most := map[string]int{}
	for service, n := range s.Instances {
		most[service] = min(n+1, system.MaxInstances)
	}
	return most
}

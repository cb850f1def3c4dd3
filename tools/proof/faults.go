package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// How each fault is injected into the running system and healed.

// injectAll injects a chain of faults, each at its time or as soon as the one before it is healed.
func (t *trial) injectAll(ctx context.Context, chain []Fault) {
	for _, f := range chain {
		wait(ctx, time.Until(t.began.Add(f.At)))
		if ctx.Err() != nil {
			return
		}
		t.note(f.String())
		f.At = time.Since(t.began)
		if err := t.inject(ctx, f); err != nil && ctx.Err() == nil {
			f.Note = err.Error()
		}
		f.For = time.Since(t.began) - f.At
		t.mu.Lock()
		t.injected = append(t.injected, f)
		t.mu.Unlock()
	}
}

// inject injects a fault and returns when it is healed.
func (t *trial) inject(ctx context.Context, f Fault) error {
	switch f.Kind {
	case PostgresRestart:
		return t.system.Postgres().Restart()
	case PostgresKill:
		return t.system.Postgres().Kill()
	case LinkCut, LinkReset, LinkTruncate, LinkDelay:
		return t.link.inject(ctx, f)
	case Poison:
		return t.commitPoison(ctx, f.Target)
	case Lock, LockKill, LockFreeze:
		return t.injectLock(ctx, f)
	}
	i := t.system.Instance(f.Target)
	switch f.Kind {
	case Kill:
		return i.Kill()
	case Restart:
		return i.Restart()
	case ClockStep:
		i.Setenv("CLOCK_SKEW", f.Step.String())
		return i.Restart()
	case Freeze:
		return during(ctx, f.For, i.Freeze, i.Thaw)
	case ScaleUp:
		return during(ctx, f.For, i.Up, func() error { i.Down(); return nil })
	case ScaleDown:
		return during(ctx, f.For, func() error { i.Down(); return nil }, i.Up)
	}
	return fmt.Errorf("unknown kind of fault %q", f.Kind)
}

// during calls begin, waits for d, and calls end.
func during(ctx context.Context, d time.Duration, begin, end func() error) error {
	if err := begin(); err != nil {
		return err
	}
	wait(ctx, d)
	return end()
}

// heal restores the normal number of instances of every service and waits until all of them are ready.
func (t *trial) heal(ctx context.Context) error {
	for service, normal := range t.subject.Instances {
		for n, i := range t.system.Instances(service) {
			if n >= normal {
				i.Down()
				continue
			}
			if err := i.Up(); err != nil {
				return err
			}
			if err := i.WaitReady(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

var errNoTransaction = errors.New("no transaction wrote to the table")

// injectLock locks the table of a service until the fault's time is over. To kill or freeze, it locks only until transactions of
// the service wait for the lock: they are then interrupted in the middle.
func (t *trial) injectLock(ctx context.Context, f Fault) error {
	service, _, _ := strings.Cut(f.Target, "-")
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
	if f.Kind == LockFreeze && service == "order" {
		enough = 6 // over all instances of order, so that the frozen one has some; of a consumer only one instance writes at a time
	}
	for waiting := 0; waiting < enough; wait(ctx, 10*time.Millisecond) {
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted", table).Scan(&waiting); err != nil {
			return err
		}
		if time.Since(locked) > 2*time.Second && waiting < enough {
			return errNoTransaction
		}
	}
	switch f.Kind {
	case LockKill:
		for _, i := range t.system.Instances(service) {
			if i.Pid() != 0 {
				if err := i.Kill(); err != nil {
					return err
				}
			}
		}
		return nil
	case LockFreeze:
		i := t.system.Instance(f.Target)
		return during(ctx, f.For, func() error { return errors.Join(i.Freeze(), tx.Rollback(ctx)) }, i.Thaw)
	}
	wait(ctx, time.Until(locked.Add(f.For)))
	return nil
}

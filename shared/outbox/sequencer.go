package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// This file holds the sequencer, which assigns positions to committed events. Every instance runs one; a lock in the
// database admits one at a time.

// tick is the interval at which the sequencer looks for events that a stopped instance left without a position. It also
// bounds how late an instance learns of another's events if it receives no notifications.
const tick = 500 * time.Millisecond

// pace is the shortest interval between two passes of the sequencer. Under load, the events that were committed meanwhile
// share a pass. A single event does not wait.
const pace = 3 * time.Millisecond

// Publish waits, for at most two seconds, until every event committed so far has a position and Head includes it. An error
// means only that this is not certain: the event is safe in the outbox, and any instance can assign its position later.
func (l *Log) Publish(ctx context.Context) error {
	err := l.pass(ctx, 2*time.Second)
	if err != nil {
		l.doubt() // it may have got its position all the same
	}
	return err
}

// Notify makes Run assign positions soon. It returns at once.
func (l *Log) Notify() {
	select {
	case l.notified <- struct{}{}:
	default: // a notification that Run has not seen yet serves for this one too
	}
}

// pass returns when all events committed before this call have a position and are in the head. Callers that wait for their
// turn share the next pass.
func (l *Log) pass(ctx context.Context, limit time.Duration) error {
	called := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.passed.After(called) {
		return nil
	}
	time.Sleep(pace - time.Since(l.passed))
	began := time.Now()
	err := l.sequence(ctx)
	if err == nil {
		l.passed = began
	}
	return err
}

// Run assigns positions until ctx ends: on every tick and on every notification. When Run ends, it releases everybody in Wait.
func (l *Log) Run(ctx context.Context) {
	defer close(l.ended)
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() {
		l.db.Listen(ctx, "outbox_", func(position string) {
			if l.heard(position) {
				l.Notify()
			}
		})
	})
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-l.notified:
		}
		err := l.pass(ctx, 10*time.Second)
		if ctx.Err() == nil && failing != (err != nil) {
			if failing = err != nil; failing {
				slog.Warn("sequencer failed, retrying until the database is back", "error", err)
			} else {
				slog.Info("sequencer works again")
			}
		}
	}
}

// sequence assigns positions to all committed events and reads the head.
func (l *Log) sequence(ctx context.Context) error {
	for {
		var row struct {
			Head
			More bool
		}
		asked := time.Now()
		err := l.db.WithContext(ctx).Raw("SELECT s.head AS position, s.updated, s.clock, s.more, epoch FROM outbox_sequence() s, outbox_log").Scan(&row).Error
		if err != nil {
			return err
		}
		row.Updated, row.Clock, row.asked = row.Updated.UTC(), row.Clock.UTC(), asked
		l.move(row.Head)
		if !row.More {
			return nil
		}
	}
}

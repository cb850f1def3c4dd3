package outbox

import (
	"context"
	"strconv"
	"time"
)

// This file keeps the head of the log in memory, so that most reads need no query. The sequencer refreshes it on every
// notification and tick. An event published by this instance is in the head before Publish returns; an event published by
// another is in it once the notification has arrived.

// Head is where the log ends.
type Head struct {
	Epoch    string    // identity of the log, a UUID
	Position int64     // the last position assigned; 0 in an empty log
	Updated  time.Time // when it was assigned, in whole seconds; zero in an empty log
	Clock    time.Time // the database's clock just before the head was read

	asked time.Time // this process's clock before that
}

// trust is how long a head counts as fresh without another query.
const trust = time.Second

// Head returns the head as last read, and whether it is fresh: read less than a second ago, with no sign since then that
// another instance has published. Before the first read it is zero.
func (l *Log) Head() (h Head, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head, l.head.asked.After(l.doubted) && time.Since(l.head.asked) < trust
}

// Refresh reads the head from the database, for at most two seconds. Concurrent callers share one query.
func (l *Log) Refresh(ctx context.Context) (Head, error) {
	err := l.pass(ctx, 2*time.Second)
	h, _ := l.Head()
	return h, err
}

// Wait blocks until the head has moved away from h, and returns the new head. It reports false if ctx or Run ends first.
func (l *Log) Wait(ctx context.Context, h Head) (Head, bool) {
	for {
		l.mu.Lock()
		head, changed := l.head, l.changed
		l.mu.Unlock()
		if !head.isAt(h) {
			return head, true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return h, false
		case <-l.ended:
			return h, false
		}
	}
}

// heard processes a notification and reports whether the head may lack what it announces. A notification without a
// position may announce anything.
func (l *Log) heard(position string) bool {
	n, err := strconv.ParseInt(position, 10, 64)
	if head, _ := l.Head(); head.Epoch != "" && err == nil && n <= head.Position {
		return false
	}
	l.doubt()
	return true
}

// doubt marks the head as possibly out of date.
func (l *Log) doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubted = time.Now()
}

// move sets the head, and wakes everybody in Wait if it has moved.
func (l *Log) move(h Head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.head.isAt(h) {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	l.head = h
}

// isAt reports whether two heads are at the same place of the same log.
func (h Head) isAt(other Head) bool { return h.Position == other.Position && h.Epoch == other.Epoch }

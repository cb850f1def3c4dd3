package outbox

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

// An event whose instance died after the commit is published by another within a tick.
func TestEventsOfADeadInstanceArePublished(t *testing.T) {
	t.Parallel()
	l := open(t)
	appendEvent(t, l, 1)
	until(t, "published", func() bool { return position(l) == 1 })
}

// An instance that receives no notifications learns of another's events on its next tick.
func TestWithoutNotifications(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	other, real := run(t, pgtest.At(t, url, Migration())), pgtest.At(t, url, Migration())
	deaf, err := postgres.Open(postgres.Config{URL: "postgres://nobody@127.0.0.1:1/none"}) // for LISTEN
	if err != nil {
		t.Fatal(err)
	}
	deaf.DB = real.DB
	l := run(t, deaf)
	appendEvent(t, other, 1)
	publish(t, other)
	until(t, "known without a notification", func() bool { return position(l) == 1 })
}

// Notify never blocks, and what was committed before it is published.
func TestNotify(t *testing.T) {
	t.Parallel()
	l := New(pgtest.Open(t, Migration())) // not running yet
	for range 10 {
		l.Notify()
	}
	start(t, l)
	for i := range int64(20) {
		appendEvent(t, l, i)
		l.Notify()
		until(t, "published", func() bool { return position(l) == i+1 })
	}
}

// A head is fresh for a second, unless a notification after the query announces a later position.
func TestFreshness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ago   time.Duration
		heard []string
		want  bool
	}{
		{"just read", 0, nil, true},
		{"a moment ago", trust - 1, nil, true},
		{"a second ago", trust, nil, false},
		{"its own notification", 0, []string{"3"}, true},
		{"an older notification", 0, []string{"2"}, true},
		{"a later one", 0, []string{"4"}, false},
		{"a later one, then its own", 0, []string{"4", "3"}, false},
		{"a notification without a position", 0, []string{""}, false},
	} {
		synctest.Test(t, func(t *testing.T) { // time passes only in Sleep
			l := &Log{head: Head{Epoch: "e", Position: 3, asked: time.Now()}}
			time.Sleep(c.ago)
			for _, position := range c.heard {
				l.heard(position)
			}
			if _, fresh := l.Head(); fresh != c.want {
				t.Errorf("%s: fresh %t", c.name, fresh)
			}
		})
	}
}

// A reader that leaves before the head was read does not make the head doubtful; a writer that does not learn whether its
// event was published does.
func TestOnlyWritersCauseDoubt(t *testing.T) {
	t.Parallel()
	l := New(pgtest.Open(t, Migration()))
	l.move(Head{Epoch: "e", Position: 3, asked: time.Now()})
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := l.Refresh(left); err == nil || !l.doubted.IsZero() {
		t.Errorf("reader: %v, doubted at %v", err, l.doubted)
	}
	err := l.Publish(left)
	if _, fresh := l.Head(); err == nil || fresh {
		t.Errorf("writer: %v, fresh %t", err, fresh)
	}
}

// Wait returns true when any instance publishes, and false when its context or the sequencer ends.
func TestWait(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	l, other := New(pgtest.At(t, url, Migration())), run(t, pgtest.At(t, url, Migration()))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	publish(t, l)

	wait := func(ctx context.Context) <-chan bool {
		head, _ := l.Head()
		moved := make(chan bool, 1)
		go func() {
			next, ok := l.Wait(ctx, head)
			moved <- ok && next.Position == head.Position+1
		}()
		return moved
	}
	moved := wait(t.Context())
	appendEvent(t, other, 1)
	publish(t, other)
	if !<-moved {
		t.Error("another instance published, but Wait reports false")
	}
	left, leave := context.WithCancel(t.Context())
	moved = wait(left)
	leave()
	if <-moved {
		t.Error("the context ended, but Wait reports true")
	}
	moved = wait(t.Context())
	stop()
	if <-moved {
		t.Error("the sequencer stopped, but Wait reports true")
	}
	running.Wait()
}

// A request that is in flight when its service stops still publishes its event.
func TestPublishAfterRun(t *testing.T) {
	t.Parallel()
	l := New(pgtest.Open(t, Migration()))
	ended, end := context.WithCancel(t.Context())
	end()
	l.Run(ended)
	appendEvent(t, l, 1)
	publish(t, l)
	if position(l) != 1 {
		t.Errorf("position %d", position(l))
	}
}

// Callers that wait during a pass share the next one.
func TestPassesAreShared(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, Migration())
	var passes atomic.Int64
	if err := db.Callback().Row().Register("count", func(*gorm.DB) { passes.Add(1) }); err != nil {
		t.Fatal(err)
	}
	l := New(db)
	l.turn <- struct{}{} // a pass is running
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { publish(t, l) })
	}
	time.Sleep(20 * time.Millisecond) // callers that come later need another pass
	before := passes.Load()
	<-l.turn
	callers.Wait()
	if n := passes.Load() - before; n > 25 {
		t.Errorf("%d passes for 50 callers", n)
	}
}

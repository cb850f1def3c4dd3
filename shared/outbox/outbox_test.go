package outbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open starts a log on a database of its own.
func open(t testing.TB) *Log {
	return run(t, pgtest.Open(t, Migration()))
}

// run starts the log of an instance on db, and waits until it has read its head.
func run(t testing.TB, db *postgres.DB) *Log {
	t.Helper()
	l := New(db)
	start(t, l)
	return l
}

func start(t testing.TB, l *Log) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	publish(t, l)
}

// publish publishes what is committed, even if that takes longer than Publish waits.
func publish(t testing.TB, l *Log) {
	t.Helper()
	until(t, "published", func() bool {
		err := l.Publish(t.Context())
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// until waits for a condition that is sure to come true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute: ", what)
		}
	}
}

func appendEvent(t testing.TB, l *Log, subject int64) {
	t.Helper()
	if err := l.Append(l.db.DB, Event{Subject: subject, Kind: "made", Snapshot: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
}

func position(l *Log) int64 {
	h, _ := l.Head()
	return h.Position
}

// Many writers commit out of order, some roll back, and two instances assign positions. Readers must see a log that grows
// only at its end, without gaps, and has every committed event once.
func TestNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db1, db2 := pgtest.At(t, url, Migration()), pgtest.At(t, url, Migration())
	logs := []*Log{run(t, db1), run(t, db2)}
	var wg sync.WaitGroup
	const writers, each = 16, 40
	rollback := errors.New("rolled back")
	for w := range writers {
		wg.Go(func() {
			l := logs[w%2]
			for i := range each {
				subject := int64(w*each + i + 1)
				err := l.db.Transaction(func(tx *gorm.DB) error {
					if err := l.Append(tx, Event{Subject: subject, Kind: "made", Snapshot: []byte(`{}`)}); err != nil {
						return err
					}
					if i%5 == 0 { // commits after transactions that began later
						if err := tx.Exec("SELECT pg_sleep(0.01)").Error; err != nil {
							return err
						}
					}
					if i%7 == 0 {
						return rollback
					}
					return nil
				})
				if err != nil && !errors.Is(err, rollback) {
					t.Error(err)
				}
				if err := l.Publish(t.Context()); err != nil && !errors.Is(err, context.DeadlineExceeded) { // then it is published later
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	reader := make(chan []Entry)
	go func() { // reads by position alone, as a consumer does
		var seen []Entry
		for {
			var last bool
			select {
			case <-stop:
				last = true
			default:
			}
			var more []Entry
			if err := db2.Raw("SELECT p.position, p.updated, e.subject FROM outbox_position p JOIN outbox_event e ON e.id = p.event_id WHERE position > ? ORDER BY position", len(seen)).Scan(&more).Error; err != nil {
				t.Error(err)
			}
			seen = append(seen, more...)
			if last {
				reader <- seen
				return
			}
		}
	}()
	wg.Wait()
	publish(t, logs[0])
	close(stop)
	seen := <-reader

	subjects := map[int64]bool{}
	for i, e := range seen {
		if e.Position != int64(i+1) {
			t.Fatalf("entry %d has position %d", i+1, e.Position)
		}
		if i > 0 && e.Updated.Before(seen[i-1].Updated) {
			t.Errorf("position %d is older than its predecessor", e.Position)
		}
		if subjects[e.Subject] {
			t.Errorf("subject %d occurs twice", e.Subject)
		}
		subjects[e.Subject] = true
	}
	for s := range int64(writers * each) {
		if committed := s%each%7 != 0; subjects[s+1] != committed {
			t.Errorf("subject %d: seen %t, committed %t", s+1, subjects[s+1], committed)
		}
	}
}

// Snapshots come back byte for byte, and a withdrawal lists the earlier entries of its subject.
func TestRead(t *testing.T) {
	t.Parallel()
	l := open(t)
	const snapshot = `{ "id":7,"text":"<&>\u2028 ü" }`
	for _, e := range []Event{
		{Subject: 7, Kind: "made", ReplyTo: "tag:a", Snapshot: []byte(snapshot)},
		{Subject: 8, Kind: "made", Snapshot: []byte(`{}`)},
		{Subject: 7, Kind: "cancelled", Withdraws: true, Snapshot: []byte(`{}`)},
		{Subject: 8, Kind: "cancelled", Withdraws: true, Snapshot: []byte(`{}`)},
	} {
		if err := l.Append(l.db.DB, e); err != nil {
			t.Fatal(err)
		}
		publish(t, l)
	}
	entries, err := l.Read(t.Context(), 1, 4)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if first := entries[3]; first.Position != 1 || string(first.Snapshot) != snapshot || first.ReplyTo != "tag:a" || first.Withdrawn != nil {
		t.Errorf("first entry: %+v, snapshot %s", first, first.Snapshot)
	}
	if w := entries[0].Withdrawn; len(w) != 1 || w[0] != 2 {
		t.Errorf("position 4 withdraws %v, want 2", w)
	}
	if w := entries[1].Withdrawn; len(w) != 1 || w[0] != 1 {
		t.Errorf("position 3 withdraws %v, want 1", w)
	}
	if at, err := l.Time(t.Context(), 2); err != nil || !at.Equal(entries[2].Updated) {
		t.Errorf("time of position 2: %v, %v, want %v", at, err, entries[2].Updated)
	}
}

// A repeated event is the same except that it withdraws nothing: a subject repeated often would fill documents with its ids.
func TestRepeat(t *testing.T) {
	t.Parallel()
	l := open(t)
	if repeated, err := l.Repeat(l.db.DB, 7); err != nil || repeated {
		t.Errorf("without an event: %t, %v", repeated, err)
	}
	if err := l.Append(l.db.DB, Event{Subject: 7, Kind: "made", Withdraws: true, Snapshot: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	publish(t, l)
	if repeated, err := l.Repeat(l.db.DB, 7); err != nil || !repeated {
		t.Errorf("%t, %v", repeated, err)
	}
	publish(t, l)
	entries, err := l.Read(t.Context(), 1, 2)
	if err != nil || len(entries) != 2 || string(entries[0].Snapshot) != string(entries[1].Snapshot) || entries[0].Kind != "made" || entries[0].Subject != 7 || len(entries[0].Withdrawn) > 0 {
		t.Errorf("%+v, %v", entries, err)
	}
}

// A withdrawal lists at most the 100 latest of the earlier entries, so that no document grows with the history of its subject.
func TestWithdrawalIsBounded(t *testing.T) {
	t.Parallel()
	l := open(t)
	events := make([]Event, 105)
	for i := range events {
		events[i] = Event{Subject: 7, Kind: "changed", Snapshot: []byte(`{}`)}
	}
	events = append(events, Event{Subject: 7, Kind: "cancelled", Withdraws: true, Snapshot: []byte(`{}`)})
	if err := l.Append(l.db.DB, events...); err != nil {
		t.Fatal(err)
	}
	publish(t, l)
	entries, err := l.Read(t.Context(), 106, 106)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	w := entries[0].Withdrawn
	if len(w) != 100 || slices.Max(w) != 105 || slices.Min(w) != 6 {
		t.Errorf("withdraws %d entries: %v, want 6 to 105", len(w), w)
	}
}

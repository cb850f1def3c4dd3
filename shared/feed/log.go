// Package feed publishes what happens in a service as an event log over HTTP: a gapless sequence of entries, cut into
// documents that never change once they are full, in several dialects (Atom, JSON Feed) at the same addresses.
//
// A writer calls Append in the transaction of its change, and Publish after the commit. A reader polls the recent
// document with a conditional GET, and follows links to older ones.
//
// It promises: an event is in the log if and only if its transaction was committed. Positions are 1, 2, 3, ... without gaps, and none
// appears before a smaller one. An entry never changes, a full document neither. Times are whole seconds in UTC, and never go
// back. A reader without news is answered without reading an entry. Errors for readers are those of package problem.
package feed

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"gorm.io/gorm"

	"msatom/shared/postgres"
)

//go:embed migrations/*.sql
var schema embed.FS

// Migration makes the tables of a log in the schema of the service that publishes it.
func Migration() postgres.Migration {
	return postgres.Files("feed", schema)
}

// Event is something that happened to one record of the service.
type Event struct {
	Subject   int64           // the record's id
	Kind      string          // what happened, one word
	Withdraws bool            // the record's earlier entries are withdrawn: RFC 6721 deleted-entry
	ReplyTo   string          // id of the entry in another feed that it answers (RFC 4685), or ""
	Snapshot  json.RawMessage // the record after it: a JSON object without "updated", which the log adds
}

// Log is the event log of a service.
type Log struct {
	About
	db       *gorm.DB
	notify   *postgres.DB
	requests chan chan<- error
	rendered *renderings

	mu      sync.Mutex
	head    *Head
	doubted time.Time     // when something was last heard that the head may not have
	ended   chan struct{} // closed when Run has ended

	waiters map[*waiter]struct{}
	held    *metrics.Gauge // how many they are
}

// tick is how often the sequencer looks for events that a stopped instance left unpublished; also the longest time in which
// an instance that hears no notifications learns of another's events.
const tick = 500 * time.Millisecond

// pace is the shortest time from one look of the sequencer to the next: under load, events that are committed meanwhile get their
// positions together. An event that comes alone does not wait.
const pace = 3 * time.Millisecond

// NewLog makes the log of the schema that db is connected to. Run must run for anything to be published.
func NewLog(db *postgres.DB, about About) *Log {
	return &Log{About: about, db: db.DB, notify: db, requests: make(chan chan<- error, 1024), rendered: newRenderings(), held: held(about.Name), waiters: map[*waiter]struct{}{}, ended: make(chan struct{})}
}

// Append writes events into the outbox, in the caller's transaction, by one statement.
func (l *Log) Append(tx *gorm.DB, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	var subjects []int64
	var kinds, replies, snapshots []string
	var withdraws []bool
	for _, e := range events {
		subjects, kinds, withdraws = append(subjects, e.Subject), append(kinds, e.Kind), append(withdraws, e.Withdraws)
		replies, snapshots = append(replies, e.ReplyTo), append(snapshots, string(e.Snapshot))
	}
	_, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, `WITH event AS (
			INSERT INTO feed_event (subject, kind, withdraws, reply_to, snapshot)
			SELECT subject, kind, withdraws, reply_to, snapshot::json
			FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::text[], $5::text[]) AS e(subject, kind, withdraws, reply_to, snapshot)
			RETURNING id)
		INSERT INTO feed_pending SELECT id FROM event`, subjects, kinds, withdraws, replies, snapshots)
	return err
}

// Repeat appends the latest event of a subject once more, with the same snapshot. The caller's transaction must keep others
// from appending for this subject. It reports false if the subject has no event, or its latest has no position yet.
func (l *Log) Repeat(tx *gorm.DB, subject int64) (bool, error) {
	done := tx.Exec(`WITH latest AS (
			SELECT id, kind, withdraws, reply_to, snapshot FROM feed_event WHERE subject = ? ORDER BY id DESC LIMIT 1
		), event AS (
			INSERT INTO feed_event (subject, kind, withdraws, reply_to, snapshot)
			SELECT ?, kind, withdraws, reply_to, snapshot FROM latest JOIN feed_position ON event_id = id
			RETURNING id)
		INSERT INTO feed_pending SELECT id FROM event`, subject, subject)
	return done.RowsAffected > 0, done.Error
}

// Publish waits, for at most two seconds, until all events committed so far have positions and Head includes them. An error means only that
// this is not so yet: the event is safe in the outbox and will be published by whichever instance can.
func (l *Log) Publish(ctx context.Context) error {
	err := l.look(ctx)
	if err != nil {
		l.doubt() // it may have been published all the same
	}
	return err
}

// look is Publish for who only reads: where the head cannot be asked for, it is as old as it was.
func (l *Log) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	done := make(chan error, 1)
	select {
	case l.requests <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-l.ended:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Soon has what was committed so far published at once, instead of at the next tick, and does not wait for it.
func (l *Log) Soon() {
	select {
	case l.requests <- make(chan error, 1):
	default: // so many ask already that it happens anyway
	}
}

var errEnded = errors.New("feed: the log is no longer published here")

// end releases all who wait; nobody will wait again.
func (l *Log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.ended)
	l.wake()
}

// Run is the sequencer: it assigns positions on every tick and whenever Publish asks, until ctx ends; one pass serves all
// waiting callers. Each instance runs one; the database lets one at a time through.
func (l *Log) Run(ctx context.Context) {
	defer l.end()
	news := make(chan struct{}, 1)
	var listening sync.WaitGroup
	defer listening.Wait()
	listening.Go(func() { l.listen(ctx, news) })
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	failing := false
	var looked time.Time
	for {
		var waiting []chan<- error
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-news:
		case r := <-l.requests:
			waiting = append(waiting, r)
		}
		if rest := pace - time.Since(looked); rest > 0 {
			time.Sleep(rest)
		}
		for range len(l.requests) {
			waiting = append(waiting, <-l.requests)
		}
		looked = time.Now()
		err := l.sequence(ctx)
		for _, w := range waiting {
			w <- err
		}
		if ctx.Err() == nil && failing != (err != nil) {
			if failing = err != nil; failing {
				slog.Warn("cannot publish events; retrying until the database is back", "error", err)
			} else {
				slog.Info("events are published again")
			}
		}
	}
}

// listen says on news when another instance has published something.
func (l *Log) listen(ctx context.Context, news chan<- struct{}) {
	var schema string
	for l.db.WithContext(ctx).Raw("SELECT current_schema()").Scan(&schema).Error != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(tick): // until then the sequencer's own tick will do
		}
	}
	l.notify.Listen(ctx, "feed_"+schema, func(position string) {
		if !l.heard(position) {
			return
		}
		select {
		case news <- struct{}{}:
		default:
		}
	})
}

func (l *Log) sequence(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var row struct {
			Head    int64
			Updated *time.Time
			Clock   time.Time
			More    bool
			Epoch   string
		}
		asked := time.Now()
		if err := l.db.WithContext(ctx).Raw("SELECT s.*, epoch FROM feed_sequence() s, feed_log").Scan(&row).Error; err != nil {
			return err
		}
		h := &Head{Epoch: row.Epoch, Position: row.Head, clock: row.Clock.UTC(), asked: asked}
		if row.Updated != nil {
			h.Updated = row.Updated.UTC()
		}
		l.move(h)
		if !row.More {
			return nil
		}
	}
}

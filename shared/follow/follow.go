// One poll from start to end. The publisher's side came before (order/feed.go); what a service makes of the entries comes
// after (invoicing/consumer.go). The transaction in which a document is processed is in transaction.go.

// Package follow follows an event feed over HTTP and processes its entries in the database of a service, each with exactly-once
// effect, despite repetition, restarts and parallel instances.
//
// It promises: what Config.Save writes is committed together with the cursor, or not at all. Entries come in the order of
// their positions and none is skipped. An entry that cannot be saved becomes a dead letter, and the others go on. While the
// publisher is away, it is polled with backoff. If its log was replaced or restored, the log is read from its start. A response
// may have 32 MiB and 131,000 elements, and take 30 seconds.
//
// What belongs here: reading Atom and JSON Feed documents, the cursor, the transaction, the schedule. What does not: what a
// record is (package consumer), dead letters (deadletter), comparing records with the log (reconcile), showing how a consumer
// is (consumerstatus).
package follow

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"gorm.io/gorm"

	"msatom/shared/deadletter"
)

// Entry is an event as a consumer sees it.
type Entry struct {
	ID       string          // the entry's id in its feed
	Log      string          // identifies the log that Position belongs to
	Position int64           // grows with every entry of the log
	Subject  int64           // id of the record that the event is about
	Kind     string          // what happened, one word
	Updated  time.Time       // when it was published
	Src      string          // address of the record
	ReplyTo  string          // id of the entry in another feed that it answers (RFC 4685), or ""
	Content  json.RawMessage // the record after the event; nil if it could not be fetched from Src
	Record   any             // what Config.Save made of it, for Config.Acknowledge
}

// Follower follows one feed for one instance of a service. Make it with New.
type Follower struct {
	cfg      Config
	db       *gorm.DB
	client   *client
	schedule cron.Schedule
	letters  *deadletter.Box
	turn     chan struct{} // held during a poll: see takeTurn

	known         validators // of the last recent document that was processed completely
	knownPosition int64      // where that document ended
	reportedTo    int64      // up to here this instance has logged what became of the entries; -1 before its first poll
	shorterSince  time.Time  // when the log was first found shorter than it was

	mu    sync.Mutex
	state State
}

// Poll polls the feed once and processes all that was published before Poll was called. Polls of one instance queue up.
func (f *Follower) Poll(ctx context.Context) (Result, error) {
	return f.poll(ctx, nil, true)
}

// takeTurn waits until no other poll of this instance runs. The caller ends its turn by <-f.turn.
func (f *Follower) takeTurn(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// poll processes recent, the recent document, if the caller has read it already; if not, it is fetched. With revalidate, no
// cache on the way may answer.
func (f *Follower) poll(ctx context.Context, recent *Document, revalidate bool) (result Result, err error) {
	if err := f.takeTurn(ctx); err != nil {
		return result, err
	}
	defer func() { <-f.turn }()
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		f.finished(ctx, start, result, err)
	}()
	cursor, letterDue, err := f.readCursor(ctx)
	if err != nil {
		return result, err
	}
	if f.reportedTo < 0 {
		f.reportedTo = cursor.Position
	}
	if cursor.Position < f.knownPosition {
		f.known, recent = validators{}, nil // our database was restored: what the feed told us since is gone
	}
	if recent == nil {
		recent, _, err = f.client.document(ctx, request{address: f.cfg.FeedURL, known: f.known, revalidate: revalidate})
	}
	switch {
	case err != nil:
	case recent == nil:
		result.NotModified = true
	case recent.Foreign:
		err = f.processForeign(ctx, recent, &result)
	default:
		err = f.processLog(ctx, recent, cursor, &result)
	}
	if err == nil && letterDue {
		err = f.retryDue(ctx, &result)
	}
	return result, err
}

// processLog processes every document from the cursor's place to the recent one, oldest first.
func (f *Follower) processLog(ctx context.Context, recent *Document, cursor Cursor, result *Result) error {
	f.noteHead(recent)
	if ready, err := f.checkLog(ctx, recent, &cursor); err != nil || !ready {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	doc, err := f.findPlace(ctx, recent, cursor)
	for visited := map[string]bool{}; err == nil && doc != nil && doc != recent; {
		next := f.readAhead(reading, visited, doc) // while this one is written
		if err = f.process(ctx, doc, result); err == nil {
			doc, err = next()
		}
	}
	if err == nil {
		err = f.process(ctx, recent, result)
	}
	if err == nil {
		f.known, f.knownPosition = recent.validators, recent.Last()
	}
	return err
}

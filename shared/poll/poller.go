// One poll from start to end. The publisher's side is package feed (the story before: order/feed.go); what a service makes of
// the entries is its Handler (the story after: invoicing/consumer.go). Each document is processed in one transaction, or several
// at once by who is far behind, see process.go.

// Package poll follows an event feed and hands its entries to a service with exactly-once effect, despite repeats, restarts, parallel
// instances.
//
// It promises: what the Handler writes is committed together with the cursor, or not at all. Entries come in the order of their positions,
// and none is passed over. One that the Handler refuses is parked and tried again, and the others go on. A publisher that is away is asked
// again after growing pauses; one whose log was made anew is read from its beginning. An answer may have 32 MiB and take 30 seconds.
//
// The publisher may be package feed, or any Atom feed whose entries refer to JSON by content src.
package poll

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// Entry is an event as a consumer sees it.
type Entry struct {
	ID       string
	Epoch    string // which log the position is from
	Position int64  // grows with every entry of the log
	Subject  int64  // id of the record that the event is about
	Kind     string
	Updated  time.Time
	Src      string          // address of the record
	ReplyTo  string          // id of the entry in another feed that it answers (RFC 4685), or ""
	Content  json.RawMessage // the record after the event; nil until it is fetched from Src
}

// Handler writes what entries mean for the service, in the transaction tx, and returns the subjects it wrote something for.
// Normally only the latest entry of a subject is handed over. The same entries may come again, and older ones after
// newer ones: they must change nothing. An error that is not the database's own failure parks the entry.
type Handler func(ctx context.Context, tx *gorm.DB, entries []Entry) (written []int64, err error)

// Poller follows one feed for one instance of a service. Make it with New.
type Poller struct {
	cfg    Config
	db     *gorm.DB
	handle Handler
	client *client
	turn   chan struct{} // held during a poll

	reconcile chan struct{} // compare the records with the log

	had          validators   // of the last recent document that was processed completely
	tagPosition  int64        // where that document ended
	reportedUpTo int64        // up to here this instance has said what became of the entries; -1 before its first poll
	shorter      time.Time    // since when the log has been found shorter than it was
	parked       atomic.Int64 // how many entries were, when last counted

	mu    sync.Mutex
	state State
}

// Poll asks the feed once and processes all that is new: whatever was published before Poll was called, by any instance. Polls of
// one instance queue up.
func (p *Poller) Poll(ctx context.Context) (Result, error) { return p.poll(ctx, true, nil) }

func (p *Poller) poll(ctx context.Context, anew bool, recent *document) (result Result, err error) { // recent: if it was read already
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return result, ctx.Err()
	}
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		p.report(ctx, start, result, err)
	}()
	at, due, err := p.cursor(ctx)
	if err != nil {
		return result, err
	}
	if p.reportedUpTo < 0 {
		p.reportedUpTo = at.Position
	}
	if at.Position < p.tagPosition {
		p.had, recent = validators{}, nil // the cursor was set back: the records from then are gone
	}
	if recent == nil {
		if recent, err = p.client.recent(ctx, p.cfg.FeedURL, p.had, anew); err != nil {
			return result, err
		}
	}
	if recent == nil {
		result.NotModified = true
	} else if err = p.processAll(ctx, recent, at, &result); err != nil {
		return result, err
	}
	if due {
		err = p.retryParked(ctx, &result)
	}
	return result, err
}

// processAll applies every document from the cursor's place to the recent one, oldest first.
func (p *Poller) processAll(ctx context.Context, recent *document, at cursor, result *Result) error {
	p.saw(recent)
	if ready, err := p.checkLog(ctx, recent, &at); err != nil || !ready {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	doc, err := p.walkBack(ctx, recent, at)
	for walked := map[string]bool{}; err == nil && doc != nil && doc != recent; {
		next := p.ahead(reading, walked, doc) // read while this one is written
		if err = p.process(ctx, doc, result); err == nil {
			doc, err = next()
		}
	}
	if err == nil {
		err = p.process(ctx, recent, result)
	}
	if err == nil {
		p.had, p.tagPosition = recent.validators, recent.last()
	}
	return err
}

// walkBack finds the document where the cursor stands: the recent one, or the one that was processed last, or, if that is not to
// be had, by prev-archive links from the recent one. A newcomer starts at the first.
func (p *Poller) walkBack(ctx context.Context, doc *document, at cursor) (*document, error) {
	if doc.positioned && at.Position == 0 && doc.first() > 1 && doc.links["first"] != "" {
		return p.follow(ctx, map[string]bool{}, doc, "first")
	}
	reached, err := p.reaches(ctx, doc, at)
	if err == nil && !reached {
		if there := p.stands(ctx, at); there != nil {
			return there, nil
		}
	}
	for walked := map[string]bool{}; err == nil && !reached; {
		if doc, err = p.follow(ctx, walked, doc, "prev-archive"); err == nil {
			reached, err = p.reaches(ctx, doc, at)
		}
	}
	return doc, err
}

// Package poll follows an event feed and hands its entries to a service, each exactly once in effect: whatever is
// repeated, restarted or done by several instances at once.
//
// This file is the way of one poll. The feed's side of it is package feed; what a service makes of the entries is its Handler.
package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	Content  json.RawMessage // the record after the event; nil until it is fetched from Src
}

// Handler writes what entries mean for the service, in the transaction tx, and returns the subjects it wrote something for.
// Of entries with one subject only the latest is handed over. The same entries may come again, and older ones after
// newer ones: they must change nothing. An error that is not the database's own failure parks the entry.
type Handler func(ctx context.Context, tx *gorm.DB, entries []Entry) (written []int64, err error)

// Poller follows one feed for one instance of a service. Make it with New.
type Poller struct {
	cfg    Config
	db     *gorm.DB
	handle Handler
	client *client
	turn   chan struct{} // held during a poll

	etag, modified string    // of the recent document when all of it was last taken in
	seen           int64     // up to here this instance knows what became of the entries; -1 before its first poll
	shorter        time.Time // since when the log has been found shorter than it was

	mu    sync.Mutex
	state State
}

// Poll asks the feed once and takes in all that is new. Polls of one instance queue up.
func (p *Poller) Poll(ctx context.Context) (result Result, err error) {
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
	at, err := p.cursor(ctx)
	if err != nil {
		return result, err
	}
	if p.seen < 0 {
		p.seen = at.Position
	}
	recent, err := p.client.recent(ctx, p.cfg.FeedURL, p.etag, p.modified)
	if err != nil {
		return result, err
	}
	if recent == nil {
		result.NotModified = true
	} else if err = p.takeAll(ctx, recent, at, &result); err != nil {
		return result, err
	}
	return result, p.retryParked(ctx, &result)
}

// takeAll takes in every document from the cursor's place to the recent one, oldest first.
func (p *Poller) takeAll(ctx context.Context, recent *document, at cursor, result *Result) error {
	if recent.positioned {
		if sure, err := p.sameLog(ctx, recent, &at); err != nil || !sure {
			return err
		}
	}
	doc, err := p.walkBack(ctx, recent, at)
	for visited := map[string]bool{}; doc != nil && err == nil; {
		if err = p.take(ctx, doc, result); err != nil {
			break
		}
		if visited[doc.url] {
			return fmt.Errorf("the feed goes in a circle at %s", doc.url)
		}
		visited[doc.url] = true
		next := doc.links["next-archive"]
		if next == "" {
			break
		}
		doc, err = p.client.get(ctx, next)
	}
	if err == nil && doc != recent {
		err = p.take(ctx, recent, result)
	}
	if err == nil {
		p.etag, p.modified = recent.etag, recent.modified
	}
	return err
}

// walkBack follows prev-archive links from the recent document to the one where the cursor stands.
func (p *Poller) walkBack(ctx context.Context, doc *document, at cursor) (*document, error) {
	if first := doc.links["first"]; at.Position == 0 && first != "" && doc.positioned && doc.first() > 1 {
		return p.client.get(ctx, first)
	}
	for visited := map[string]bool{}; ; {
		reached, err := p.reaches(ctx, doc, at)
		if err != nil || reached {
			return doc, err
		}
		prev := doc.links["prev-archive"]
		if visited[prev] || len(visited) == maxDocuments {
			return nil, fmt.Errorf("the feed's prev-archive links go in a circle at %s", prev)
		}
		visited[prev] = true
		if doc, err = p.client.get(ctx, prev); err != nil {
			return nil, err
		}
	}
}

// maxDocuments bounds a walk: 100 million entries of 100 to a document.
const maxDocuments = 1_000_000

// reaches says whether nothing before the document is missing.
func (p *Poller) reaches(ctx context.Context, doc *document, at cursor) (bool, error) {
	last := doc.links["prev-archive"] == ""
	if !doc.positioned {
		if last {
			return true, nil
		}
		unseen, err := p.unseen(p.db.WithContext(ctx), doc.entries)
		return len(unseen) < len(doc.entries), err
	}
	if len(doc.entries) == 0 || doc.first() <= at.Position+1 {
		return true, nil
	}
	if last {
		return false, fmt.Errorf("the feed begins at position %d, but %d is the next one needed", doc.first(), at.Position+1)
	}
	return false, nil
}

// errMoved says that another instance changed the cursor in a way that this poll did not expect. The next one will know.
var errMoved = errors.New("another instance has moved on to another log")

// sameLog notices another log (another epoch), or the same one shorter than before (its database was restored), says so, and
// starts again from its first document. A log may seem shorter for a moment, told by an instance of its service that is a
// moment behind: then it is not sure yet, and nothing is taken.
func (p *Poller) sameLog(ctx context.Context, doc *document, at *cursor) (sure bool, err error) {
	rewinds := 0
	switch {
	case at.Epoch != doc.epoch:
		if at.Epoch != "" {
			slog.Warn("the feed is another log now; reading it from the start", "was", at.Epoch, "is", doc.epoch)
		}
	case doc.last() < at.Position:
		if p.shorter.IsZero() {
			p.shorter = p.cfg.Now()
		}
		if p.cfg.Now().Sub(p.shorter) < p.cfg.ShorterFor {
			return false, nil
		}
		slog.Warn("the log is shorter than it was; reading it again from the start", "was", at.Position, "is", doc.last())
		rewinds = at.Rewinds + 1
	default:
		p.shorter = time.Time{}
		return true, nil
	}
	p.shorter, p.seen = time.Time{}, 0
	return true, p.restart(ctx, at, doc.epoch, rewinds)
}

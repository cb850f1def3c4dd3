// Where a consumer stands in a log: whether a document reaches back to its cursor, and whether the log is still the one that it knows.

package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

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

// stands is the document that was processed last, nil if it is not known or not what it was: the cursor may have been set back.
func (p *Poller) stands(ctx context.Context, at cursor) *document {
	if at.Document == "" {
		return nil
	}
	doc, err := p.client.get(ctx, at.Document)
	if err != nil || doc.epoch != at.Epoch || len(doc.entries) == 0 || doc.first() > at.Position+1 {
		return nil
	}
	return doc
}

// errMoved says that another instance moved the cursor to another log; the next poll starts from there.
var errMoved = errors.New("another instance has moved on to another log")

// checkLog notices another log (another epoch), or the same one shorter than before (its database was restored), says so, and
// starts again from its first document. A log may seem shorter for a moment, told by an instance of its service that is a
// moment behind: then it is not ready yet, and nothing is taken.
func (p *Poller) checkLog(ctx context.Context, doc *document, at *cursor) (ready bool, err error) {
	rewinds, because := 0, ""
	switch {
	case !doc.positioned:
		return true, nil
	case at.Epoch != doc.epoch:
		if at.Epoch != "" {
			because = "the feed is another log than before"
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
		because = fmt.Sprintf("the log had become shorter: it ended at %d, where it had come to %d before", doc.last(), at.Position)
	default:
		p.shorter = time.Time{}
		return true, nil
	}
	p.shorter, p.reportedUpTo = time.Time{}, 0
	return true, p.restart(ctx, at, doc.epoch, rewinds, because)
}

// follow reads the document that a link leads to, nil if there is none. A walk that would come by the same place twice, or
// does not end, is refused.
func (p *Poller) follow(ctx context.Context, walked map[string]bool, from *document, rel string) (*document, error) {
	to := from.links[rel]
	if to == "" {
		return nil, nil
	}
	if walked[to] || len(walked) == maxDocuments {
		return nil, fmt.Errorf("the feed's %s links go in a circle at %s", rel, to)
	}
	doc, err := p.client.get(ctx, to)
	walked[to] = err == nil
	return doc, err
}

// next reads the document after one, nil if there is none, and with it those that follow, as long as there is room for them in one
// transaction. What that costs besides the records (the lock, the cursor, the commit) is then shared by several documents.
func (p *Poller) next(ctx context.Context, walked map[string]bool, from *document) (*document, error) {
	doc, err := p.follow(ctx, walked, from, "next-archive")
	for err == nil && doc != nil && doc.positioned && len(doc.entries) < maxEntries && doc.bytes < maxTogether {
		more, err := p.follow(ctx, walked, doc, "next-archive")
		if err != nil || more == nil {
			break // the error is met again after this one
		}
		if to := doc.links["next-archive"]; !doc.join(more) {
			walked[to] = false // it is read again by itself
			break
		}
	}
	return doc, err
}

// How much is processed in one transaction: no further document is added to so many entries, or so many bytes of JSON.
const (
	maxEntries  = 1000
	maxTogether = 2 << 20
)

// ahead begins to read the next document; what it returns waits for it.
func (p *Poller) ahead(ctx context.Context, walked map[string]bool, from *document) func() (*document, error) {
	var doc *document
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		doc, err = p.next(ctx, walked, from)
	}()
	return func() (*document, error) {
		<-done
		return doc, err
	}
}

// maxDocuments bounds a walk: 100 million entries of 100 to a document.
const maxDocuments = 1_000_000

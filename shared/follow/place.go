// Where a follower stands in a log: whether the log is still the one that the cursor belongs to, which document the cursor is in,
// and which documents follow.

package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// ErrMoved is returned when another instance has moved the cursor to another log. The next poll starts from there.
var ErrMoved = errors.New("another instance has moved on to another log")

// checkLog notices that the feed has another log (another epoch), or the same log became shorter (its database was restored), and
// restarts from its first document. A log may seem shorter for a moment, if an instance of the publisher that lags behind
// has answered: then ready is false, and nothing is processed.
func (f *Follower) checkLog(ctx context.Context, doc *Document, cursor *Cursor) (ready bool, err error) {
	rewinds, because := 0, ""
	switch {
	case cursor.Epoch != doc.Epoch:
		if cursor.Epoch != "" {
			because = "the feed was replaced by a different one"
			slog.Warn("the feed has another log, reading it from the start", "feed", f.cfg.Feed, "was", cursor.Epoch, "is", doc.Epoch)
		}
	case doc.Last() < cursor.Position:
		if f.shorterSince.IsZero() {
			f.shorterSince = f.cfg.Now()
		}
		if f.cfg.Now().Sub(f.shorterSince) < f.cfg.ShorterFor {
			return false, nil
		}
		slog.Warn("the log is shorter than before, reading it from the start", "feed", f.cfg.Feed, "was", cursor.Position, "is", doc.Last())
		rewinds = cursor.Rewinds + 1
		because = fmt.Sprintf("the feed became shorter: it ended at entry %d, but had reached entry %d before", doc.Last(), cursor.Position)
	default:
		f.shorterSince = time.Time{}
		return true, nil
	}
	f.shorterSince, f.reportedTo = time.Time{}, 0
	return true, f.restart(ctx, cursor, doc.Epoch, rewinds, because)
}

// findPlace returns the document that the cursor is in: the recent one, the one that was processed last, or, if that cannot be
// had, the one that prev-archive links lead to. A new consumer starts at the first.
func (f *Follower) findPlace(ctx context.Context, doc *Document, cursor Cursor) (*Document, error) {
	if cursor.Position == 0 && doc.First() > 1 && doc.links["first"] != "" {
		return f.linked(ctx, map[string]bool{}, doc, "first")
	}
	if !doc.reaches(cursor) && cursor.Document != "" {
		there, _, err := f.client.document(ctx, request{address: cursor.Document})
		if err == nil && there.Epoch == cursor.Epoch && len(there.Entries) > 0 && there.reaches(cursor) {
			return there, nil
		}
	}
	for visited := map[string]bool{}; !doc.reaches(cursor); {
		before, err := f.linked(ctx, visited, doc, "prev-archive")
		if err != nil {
			return nil, err
		}
		if before == nil {
			return nil, fmt.Errorf("the feed begins at position %d, but %d is the next one needed", doc.First(), cursor.Position+1)
		}
		doc = before
	}
	return doc, nil
}

// reaches reports whether nothing is missing between the cursor and the document's first entry.
func (d *Document) reaches(c Cursor) bool { return d.First() <= c.Position+1 }

// maxDocuments bounds a walk: 100 million entries, 100 to a document.
const maxDocuments = 1_000_000

// linked fetches the document that a link leads to, nil if there is none. It refuses a walk that visits an address twice or does
// not end.
func (f *Follower) linked(ctx context.Context, visited map[string]bool, from *Document, rel string) (*Document, error) {
	to := from.links[rel]
	if to == "" {
		return nil, nil
	}
	if visited[to] || len(visited) == maxDocuments {
		return nil, fmt.Errorf("the feed's %s links go in a circle at %s", rel, to)
	}
	doc, _, err := f.client.document(ctx, request{address: to})
	visited[to] = err == nil
	return doc, err
}

// How much is processed in one transaction: no document is added to so many entries or so many bytes of content.
const (
	maxEntries = 1000
	maxContent = 2 << 20
)

// next fetches the documents after one, as many as one transaction may hold: the lock, the cursor and the commit then cost
// once. It returns nil if there are none.
func (f *Follower) next(ctx context.Context, visited map[string]bool, from *Document) (*Document, error) {
	doc, err := f.linked(ctx, visited, from, "next-archive")
	for err == nil && doc != nil && len(doc.Entries) < maxEntries && doc.size < maxContent {
		more, err := f.linked(ctx, visited, doc, "next-archive")
		if err != nil || more == nil {
			break // the error comes again after this one
		}
		if to := doc.links["next-archive"]; !doc.join(more) {
			visited[to] = false // it is fetched again by itself
			break
		}
	}
	return doc, err
}

// join appends a document if it is the one that follows.
func (d *Document) join(next *Document) bool {
	if next.Foreign || next.Epoch != d.Epoch || next.First() != d.Last()+1 {
		return false
	}
	d.Entries, d.size, d.links = append(d.Entries, next.Entries...), d.size+next.size, next.links
	return true
}

// readAhead starts to fetch the next documents. The function that it returns waits for them.
func (f *Follower) readAhead(ctx context.Context, visited map[string]bool, from *Document) func() (*Document, error) {
	next := sync.OnceValues(func() (*Document, error) { return f.next(ctx, visited, from) })
	go func() {
		defer func() { _ = recover() }() // the caller of next gets the panic too
		_, _ = next()
	}()
	return next
}

// WalkBack calls visit with each document of the log, from its end to its start, until visit returns an error.
func (f *Follower) WalkBack(ctx context.Context, visit func(*Document) error) error {
	doc, _, err := f.client.document(ctx, request{address: f.cfg.FeedURL, revalidate: true})
	for visited := map[string]bool{}; err == nil && doc != nil; {
		if err = visit(doc); err == nil {
			doc, err = f.linked(ctx, visited, doc, "prev-archive")
		}
	}
	return err
}

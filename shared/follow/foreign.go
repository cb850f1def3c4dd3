// Foreign feeds: Atom whose entries carry no events, such as the feed of the Java original. Their entries come in any order and
// have no positions; what identifies one is its id and its time. The record is fetched from content src.

package follow

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// standInPositions makes the entries' times stand in for positions, so that of two entries about one record the later wins.
func (d *Document) standInPositions() {
	for i := range d.Entries {
		d.Entries[i].Log, d.Entries[i].Position = d.Epoch, d.Entries[i].Updated.UnixMicro()
	}
	slices.SortStableFunc(d.Entries, func(a, b Entry) int { return a.Updated.Compare(b.Updated) })
}

// processForeign processes the entries that were not processed before. If the document has none that were, there may be more in
// the documents before it; those are processed first, so that an interruption leaves no gap.
func (f *Follower) processForeign(ctx context.Context, recent *Document, result *Result) error {
	f.noteHead(recent)
	var before []string // addresses, newest first
	for doc, visited := recent, map[string]bool{}; doc.links["prev-archive"] != ""; {
		_, seen, err := f.unseen(f.db.WithContext(ctx), doc.Entries)
		if err != nil {
			return err
		}
		if len(seen) > 0 {
			break
		}
		before = append(before, doc.links["prev-archive"])
		if doc, err = f.linked(ctx, visited, doc, "prev-archive"); err != nil {
			return err
		}
	}
	for _, address := range slices.Backward(before) {
		doc, _, err := f.client.document(ctx, request{address: address})
		if err == nil {
			err = f.processUnseen(ctx, doc, result)
		}
		if err != nil {
			return err
		}
	}
	err := f.processUnseen(ctx, recent, result)
	if err == nil {
		f.known = recent.validators
	}
	return err
}

// batch is how many records are fetched for one transaction.
const batch = 100

func (f *Follower) processUnseen(ctx context.Context, doc *Document, result *Result) error {
	unseen, _, err := f.unseen(f.db.WithContext(ctx), doc.Entries)
	if err != nil {
		return err
	}
	for entries := range slices.Chunk(unseen, batch) {
		for i := range entries {
			if err := f.fetchContent(ctx, &entries[i]); err != nil {
				return err
			}
		}
		if err := f.process(ctx, &Document{Epoch: doc.Epoch, Foreign: true, Entries: entries}, result); err != nil {
			return err
		}
	}
	return nil
}

// version identifies a version of an entry.
func version(e Entry) string { return e.ID + " " + e.Updated.Format(time.RFC3339Nano) }

// unseen tells the entries that were processed before from the others.
func (f *Follower) unseen(db *gorm.DB, entries []Entry) (unseen, seen []Entry, err error) {
	var ids, processed []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	err = db.Raw("SELECT entry_id || ' ' || updated FROM follow_seen WHERE feed = ? AND entry_id = ANY (?)", f.cfg.Feed, postgres.Array(ids)).Scan(&processed).Error
	isProcessed := map[string]bool{}
	for _, v := range processed {
		isProcessed[v] = true
	}
	for _, e := range entries {
		if isProcessed[version(e)] {
			seen = append(seen, e)
		} else {
			unseen = append(unseen, e)
		}
	}
	return unseen, seen, err
}

// markSeen remembers entries: what the cursor's position is for a log.
func (f *Follower) markSeen(tx *gorm.DB, entries []Entry) error {
	var rows postgres.Rows
	for _, e := range entries {
		rows.Add(f.cfg.Feed, e.ID, e.Updated.Format(time.RFC3339Nano))
	}
	return tx.Exec("INSERT INTO follow_seen (feed, entry_id, updated) SELECT * FROM unnest(?::text[], ?::text[], ?::text[]) ON CONFLICT DO NOTHING", rows.Columns()...).Error
}

// fetchContent fetches the record of an entry. If the publisher is reachable but does not give it, the entry stays without content
// and will become a dead letter. An error means that the publisher cannot be reached: everything is tried again later.
func (f *Follower) fetchContent(ctx context.Context, e *Entry) error {
	content, err := f.client.content(ctx, e.Src)
	var network *net.OpError
	if err != nil && (ctx.Err() != nil || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return err
	}
	if err != nil {
		slog.Debug("record cannot be fetched", "entry", e.ID, "error", err)
		return nil
	}
	var record struct{ ID int64 }
	if json.Unmarshal(content, &record) == nil {
		e.Subject = record.ID
	}
	e.Content = content
	return nil
}

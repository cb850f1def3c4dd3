// How a document is processed, or several that were read together: one transaction, in which the cursor row is locked, the records
// are written, and the cursor is moved. An instance that waited for the lock finds the work done.

package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// cursor is how far the feed was processed, by whichever instance.
type cursor struct {
	Feed     string
	Epoch    string
	Rewinds  int
	Position int64
	Document string // address of the one with that position; "" if it is not known
	MovedBy  string
	MovedAt  *time.Time

	RestartedAt      *time.Time
	RestartedBecause string
}

func (cursor) TableName() string { return "poll_cursor" }

// log names the log that positions are from, for records to remember: another one each time it was found shorter.
func (c cursor) log() string {
	if c.Rewinds == 0 {
		return c.Epoch
	}
	return fmt.Sprintf("%s#%d", c.Epoch, c.Rewinds)
}

// cursor reads where the consumer stands, and whether a parked entry is to be tried again: all that a poll without news asks the
// database, of two indexes.
func (p *Poller) cursor(ctx context.Context) (c cursor, due bool, err error) {
	var row struct {
		Cursor cursor `gorm:"embedded"`
		Due    bool
	}
	db := p.db.WithContext(ctx)
	const ask = `SELECT c.*, EXISTS (SELECT FROM poll_parked k WHERE k.feed = c.feed AND k.next_try <= ?) AS due FROM poll_cursor c WHERE c.feed = ?`
	found := db.Raw(ask, p.cfg.Now().UTC(), p.cfg.Feed).Scan(&row)
	if found.Error == nil && found.RowsAffected == 0 {
		row.Cursor.Feed = p.cfg.Feed
		found = db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row.Cursor) // another instance may do so too
	}
	return row.Cursor, row.Due, found.Error
}

func (p *Poller) locked(tx *gorm.DB) (c cursor, err error) {
	err = tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&c, "feed = ?", p.cfg.Feed).Error
	return c, err
}

// restart puts the cursor to the beginning of a log, unless another instance already did. The reason is "" for a consumer that had
// none before.
func (p *Poller) restart(ctx context.Context, at *cursor, epoch string, rewinds int, because string) error {
	return p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		now, err := p.locked(tx)
		if err != nil {
			return err
		}
		if now.Epoch == epoch && now.Rewinds == rewinds {
			*at = now
			return nil
		}
		if now.Epoch != at.Epoch || now.Rewinds != at.Rewinds {
			return errMoved
		}
		at.Epoch, at.Rewinds, at.Position, at.Document = epoch, rewinds, 0, ""
		// The other log tells everything anew; an entry of this one, retried later, would overwrite that.
		if err := tx.Where("feed = ?", p.cfg.Feed).Delete(&Parked{}).Error; err != nil {
			return err
		}
		begun := map[string]any{"epoch": epoch, "rewinds": rewinds, "position": 0, "document": "", "moved_by": p.cfg.Instance, "moved_at": p.cfg.Now().UTC()}
		if because != "" {
			begun["restarted_at"], begun["restarted_because"] = p.cfg.Now().UTC(), because
		}
		return tx.Model(&cursor{}).Where("feed = ?", p.cfg.Feed).Updates(begun).Error
	})
}

// process applies what is new in a document, and says what became of its entries when that is committed.
func (p *Poller) process(ctx context.Context, doc *document, result *Result) error {
	if len(doc.entries) == 0 {
		return nil
	}
	if !doc.positioned {
		return p.processUnpositioned(ctx, doc, result)
	}
	var done outcome
	var ignored []Entry
	err := p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, err := p.locked(tx)
		if err != nil {
			return err
		}
		if c.Epoch != doc.epoch {
			return errMoved
		}
		var fresh []Entry
		for _, e := range doc.entries {
			e.Epoch = c.log()
			if e.Position > c.Position {
				fresh = append(fresh, e)
			} else if e.Position > p.reportedUpTo {
				ignored = append(ignored, e)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		if fresh[0].Position != c.Position+1 {
			return fmt.Errorf("position %d follows %d: entries are missing", fresh[0].Position, c.Position)
		}
		if done, err = p.apply(ctx, tx, fresh); err != nil {
			return err
		}
		return tx.Model(&cursor{}).Where("feed = ?", p.cfg.Feed).Updates(map[string]any{
			"position": doc.last(), "document": doc.place(), "moved_by": p.cfg.Instance, "moved_at": p.cfg.Now().UTC(),
		}).Error
	})
	if err != nil {
		return err
	}
	p.reportedUpTo = max(p.reportedUpTo, doc.last())
	done.ignored = append(done.ignored, ignored...)
	p.tell(done, result)
	return nil
}

// batch is how many entries of a document without positions are processed in one transaction.
const batch = 100

// processUnpositioned applies a document of a feed that is not a log of ours: what was seen is remembered by entry, and
// each record is fetched from where its entry says.
func (p *Poller) processUnpositioned(ctx context.Context, doc *document, result *Result) error {
	unseen, err := p.unseen(p.db.WithContext(ctx), doc.entries)
	for err == nil && len(unseen) > 0 {
		n := min(batch, len(unseen))
		var entries []Entry
		if entries, err = p.fetchContents(ctx, unseen[:n]); err == nil {
			err = p.processBatch(ctx, doc.epoch, entries, result)
		}
		unseen = unseen[n:]
	}
	return err
}

func (p *Poller) processBatch(ctx context.Context, epoch string, entries []Entry, result *Result) error {
	var done outcome
	err := p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if _, err := p.locked(tx); err != nil {
			return err
		}
		fresh, err := p.unseen(tx, entries)
		if err != nil {
			return err
		}
		unseen := map[string]bool{}
		for _, e := range fresh {
			unseen[e.ID+e.Updated.String()] = true
		}
		for _, e := range entries {
			if !unseen[e.ID+e.Updated.String()] {
				done.ignored = append(done.ignored, e)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		ignored := done.ignored
		if done, err = p.apply(ctx, tx, fresh); err != nil {
			return err
		}
		done.ignored = append(done.ignored, ignored...)
		for _, e := range fresh {
			if err := tx.Exec("INSERT INTO poll_seen (feed, entry_id, updated) VALUES (?, ?, ?)", p.cfg.Feed, e.ID, e.Updated.Format(time.RFC3339Nano)).Error; err != nil {
				return err
			}
		}
		return tx.Model(&cursor{}).Where("feed = ?", p.cfg.Feed).Updates(map[string]any{
			"epoch": epoch, "position": 0, "moved_by": p.cfg.Instance, "moved_at": p.cfg.Now().UTC(),
		}).Error
	})
	if err == nil {
		p.tell(done, result)
	}
	return err
}

// unseen is those entries that were not processed yet.
func (p *Poller) unseen(db *gorm.DB, entries []Entry) (unseen []Entry, err error) {
	for from := 0; from < len(entries); from += 1000 {
		part := entries[from:min(from+1000, len(entries))]
		ids := make([]string, len(part))
		for i, e := range part {
			ids[i] = e.ID
		}
		var rows []struct{ EntryID, Updated string }
		err := db.Table("poll_seen").Where("feed = ? AND entry_id IN ?", p.cfg.Feed, ids).Find(&rows).Error
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, r := range rows {
			seen[r.EntryID+" "+r.Updated] = true
		}
		for _, e := range part {
			if !seen[e.ID+" "+e.Updated.Format(time.RFC3339Nano)] {
				unseen = append(unseen, e)
			}
		}
	}
	return unseen, nil
}

// fetchContents reads the records of entries. One that the other side cannot give stays without content, and will be parked;
// if the other side does not answer at all, the whole is tried again later.
func (p *Poller) fetchContents(ctx context.Context, entries []Entry) ([]Entry, error) {
	for i := range entries {
		e := &entries[i]
		content, err := p.client.content(ctx, e.Src)
		var status *StatusError
		if errors.As(err, &status) {
			slog.Debug("record cannot be read", "entry", e.ID, "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		var record struct{ ID int64 }
		if json.Unmarshal(content, &record) == nil {
			e.Subject = record.ID
		}
		e.Content = content
	}
	return entries, nil
}

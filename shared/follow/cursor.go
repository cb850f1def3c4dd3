package follow

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"msatom/shared/deadletter"
)

// Cursor is how far a feed has been processed, by whichever instance: a row of follow_cursor.
type Cursor struct {
	Feed     string     `json:"feed"`
	Epoch    string     `json:"epoch"`             // the feed's id; "" before the first document
	Rewinds  int        `json:"-"`                 // how often the same log was found to be shorter than before
	Position int64      `json:"position"`          // of the last entry processed; 0 in a foreign feed
	Document string     `json:"-"`                 // address of the document with that entry, "" if unknown
	MovedBy  string     `json:"movedBy,omitempty"` // the instance that processed it
	MovedAt  *time.Time `json:"movedAt,omitempty"`

	RestartedAt      *time.Time `json:"restart,omitempty"` // when the log was last read again from its start
	RestartedBecause string     `json:"because,omitempty"` // and why
}

// TableName is follow_cursor.
func (Cursor) TableName() string { return "follow_cursor" }

// Log identifies the log that positions belong to, for records to remember. It changes each time that the log is found shorter.
func (c Cursor) Log() string {
	if c.Rewinds == 0 {
		return c.Epoch
	}
	return fmt.Sprintf("%s#%d", c.Epoch, c.Rewinds)
}

// Cursor reads the cursor without locking it.
func (f *Follower) Cursor(ctx context.Context) (Cursor, error) {
	cursor, _, err := f.readCursor(ctx)
	return cursor, err
}

// readCursor reads the cursor and whether a dead letter is due: all that a poll without news asks the database.
func (f *Follower) readCursor(ctx context.Context) (c Cursor, letterDue bool, err error) {
	var row struct {
		Cursor    Cursor `gorm:"embedded"`
		LetterDue bool
	}
	db := f.db.WithContext(ctx)
	found := db.Raw(`SELECT feed, epoch, rewinds, position, document, moved_by, moved_at, restarted_at, restarted_because, `+
		deadletter.HasDue+` AS letter_due FROM follow_cursor WHERE feed = ?`, f.cfg.Feed, f.cfg.Now().UTC(), f.cfg.Feed).Scan(&row)
	if found.Error == nil && found.RowsAffected == 0 {
		row.Cursor.Feed = f.cfg.Feed
		found = db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row.Cursor) // another instance may do so too
	}
	return row.Cursor, row.LetterDue, found.Error
}

// LockCursor reads the cursor and keeps other instances from processing entries until the transaction ends.
func (f *Follower) LockCursor(tx *gorm.DB) (c Cursor, err error) {
	err = tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&c, "feed = ?", f.cfg.Feed).Error
	return c, err
}

// moveCursor sets the locked cursor to the end of a document, whose entries in fresh have just been processed.
func (f *Follower) moveCursor(tx *gorm.DB, doc *Document, fresh []Entry) error {
	if doc.Foreign {
		if err := f.markSeen(tx, fresh); err != nil {
			return err
		}
	}
	return f.updateCursor(tx, map[string]any{"epoch": doc.Epoch, "position": doc.Last(), "document": doc.permanentAddress()})
}

func (f *Follower) updateCursor(tx *gorm.DB, columns map[string]any) error {
	columns["moved_by"], columns["moved_at"] = f.cfg.Instance, f.cfg.Now().UTC()
	return tx.Model(&Cursor{}).Where("feed = ?", f.cfg.Feed).Updates(columns).Error
}

// restart sets the cursor to the start of a log, unless another instance already did. The reason is "" for a first log.
func (f *Follower) restart(ctx context.Context, c *Cursor, epoch string, rewinds int, because string) error {
	return f.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		now, err := f.LockCursor(tx)
		if err != nil {
			return err
		}
		if now.Epoch == epoch && now.Rewinds == rewinds {
			*c = now
			return nil
		}
		if now.Epoch != c.Epoch || now.Rewinds != c.Rewinds {
			return ErrMoved
		}
		c.Epoch, c.Rewinds, c.Position, c.Document = epoch, rewinds, 0, ""
		// The other log has every record. A dead letter of this one, retried later, would overwrite it.
		if err := f.letters.Clear(tx); err != nil {
			return err
		}
		columns := map[string]any{"epoch": epoch, "rewinds": rewinds, "position": 0, "document": ""}
		if because != "" {
			columns["restarted_at"], columns["restarted_because"] = f.cfg.Now().UTC(), because
		}
		return f.updateCursor(tx, columns)
	})
}

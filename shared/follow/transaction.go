// The transaction in which a document is processed: lock the cursor row, save the records, acknowledge them, move the cursor. An
// instance that waited for the lock finds the work done.

package follow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// outcome is what became of entries.
type outcome struct {
	saved   []Entry
	ignored []Entry // saved before
	dead    []Entry // became dead letters
	parked  []Entry // became dead letters before
}

// process processes what is new in a document, and reports it once it is committed.
func (f *Follower) process(ctx context.Context, doc *Document, result *Result) error {
	if len(doc.Entries) == 0 {
		return nil
	}
	var done outcome
	err := f.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		cursor, err := f.LockCursor(tx)
		if err != nil {
			return err
		}
		fresh, processed, err := f.unprocessed(tx, doc, cursor)
		if err == nil {
			done.ignored, done.parked, err = f.parked(tx, processed)
		}
		if err != nil || len(fresh) == 0 {
			return err
		}
		if err := f.saveOrPark(tx, fresh, &done); err != nil {
			return err
		}
		if err := f.Acknowledge(tx, done.saved); err != nil {
			return err
		}
		return f.moveCursor(tx, doc, fresh)
	})
	if err != nil {
		return err
	}
	f.reportedTo = max(f.reportedTo, doc.Last())
	f.report(done, result)
	return nil
}

// unprocessed returns the entries behind the cursor, and those before it that this instance has not reported yet.
func (f *Follower) unprocessed(tx *gorm.DB, doc *Document, cursor Cursor) (fresh, processed []Entry, err error) {
	if doc.Foreign {
		return f.unseen(tx, doc.Entries)
	}
	if cursor.Epoch != doc.Epoch {
		return nil, nil, ErrMoved
	}
	for _, e := range doc.Entries {
		e.Log = cursor.Log()
		if e.Position > cursor.Position {
			fresh = append(fresh, e)
		} else if e.Position > f.reportedTo {
			processed = append(processed, e)
		}
	}
	if len(fresh) > 0 && fresh[0].Position != cursor.Position+1 {
		return nil, nil, fmt.Errorf("position %d follows %d: entries are missing", fresh[0].Position, cursor.Position)
	}
	return fresh, processed, nil
}

// saveOrPark saves entries together. If one of them cannot be saved, each half is saved by itself, and so on, until only that one
// is left; it becomes a dead letter.
func (f *Follower) saveOrPark(tx *gorm.DB, entries []Entry, done *outcome) error {
	saved, present, err := f.Save(tx, entries)
	switch {
	case err == nil:
		done.saved, done.ignored = append(done.saved, saved...), append(done.ignored, present...)
		return nil
	case !IsPoison(tx.Statement.Context, err):
		return err
	case len(entries) == 1:
		done.dead = append(done.dead, entries[0])
		return f.letters.Park(tx, letterOf(entries[0]), err)
	}
	half := len(entries) / 2
	if err := f.saveOrPark(tx, entries[:half], done); err != nil {
		return err
	}
	return f.saveOrPark(tx, entries[half:], done)
}

// Save calls Config.Save with the latest entry of each subject, inside a savepoint, and returns the entries that were saved and
// those that were present already. A panic is an error.
func (f *Follower) Save(tx *gorm.DB, entries []Entry) (saved, present []Entry, err error) {
	entries = Latest(entries)
	var subjects []int64
	err = tx.Transaction(func(tx *gorm.DB) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		for _, e := range entries {
			if len(e.Content) == 0 {
				return fmt.Errorf("the record at %q cannot be read", e.Src)
			}
		}
		subjects, err = f.cfg.Save(tx, entries)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	isSaved := map[int64]bool{}
	for _, subject := range subjects {
		isSaved[subject] = true
	}
	for _, e := range entries {
		if isSaved[e.Subject] {
			saved = append(saved, e)
		} else {
			present = append(present, e)
		}
	}
	return saved, present, nil
}

// Acknowledge calls Config.Acknowledge for entries that Save has saved.
func (f *Follower) Acknowledge(tx *gorm.DB, saved []Entry) error {
	if f.cfg.Acknowledge == nil || len(saved) == 0 {
		return nil
	}
	return f.cfg.Acknowledge(tx, saved)
}

// Latest keeps the last entry of each subject, in the order of the entries: its snapshot holds all that the earlier ones did.
func Latest(entries []Entry) (kept []Entry) {
	last := map[int64]int{}
	for i, e := range entries {
		last[e.Subject] = i
	}
	for i, e := range entries {
		if last[e.Subject] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// IsPoison reports whether an error of Save is the entry's fault, so that an immediate retry is pointless: the service refused it,
// or Postgres refused its values (SQLSTATE classes 21, 22 and 23). Anything else is a failure of the surroundings.
func IsPoison(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone) || postgres.Down(err) {
		return false
	}
	code := postgres.Code(err)
	return code == "" || strings.HasPrefix(code, "21") || strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23")
}

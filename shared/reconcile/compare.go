// How the records of one document are compared with the log and repaired: in one transaction with the cursor row locked, they are
// deleted and saved again. Where that makes no difference it is rolled back, so a correct record is not touched.

package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"msatom/shared/deadletter"
	"msatom/shared/follow"
	"msatom/shared/postgres"
)

// Table holds what a service makes of entries: rows with the entry's subject in a column. The columns instance, log and position
// may differ from what the log says, all others may not.
type Table struct {
	Name    string
	Subject string // the column
}

// Difference is a record that is not as the log says.
type Difference struct {
	Subject  int64  `json:"subject"`
	Position int64  `json:"position,omitempty"` // of the entry that says what the record should be
	What     string `json:"what"`
	refused  bool
}

// What a difference can be, besides a record that cannot be saved as the log says.
const (
	missing   = "missing, repaired"
	different = "different, repaired"
	extra     = "not in the feed"
)

// compare repairs the records of a document's entries and returns those that were not as the log says. It leaves alone the entries
// behind the cursor, and records that were saved from later entries.
func (r *Reconciler) compare(ctx context.Context, doc *follow.Document) (compared int, found []Difference, err error) {
	err = r.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		cursor, err := r.follower.LockCursor(tx)
		if err != nil {
			return err
		}
		if cursor.Epoch != doc.Epoch {
			return follow.ErrMoved
		}
		var entries []follow.Entry
		for _, e := range doc.Entries {
			if e.Log = cursor.Log(); e.Position <= cursor.Position {
				entries = append(entries, e)
			}
		}
		if entries, err = r.withoutOutdated(tx, follow.Latest(entries)); err != nil || len(entries) == 0 {
			return err
		}
		compared = len(entries)
		wrong, err := r.differing(tx, entries, &found)
		if err != nil || len(wrong) == 0 {
			return err
		}
		if err := r.remove(tx, wrong); err != nil {
			return err
		}
		saved, _, err := r.follower.Save(tx, wrong)
		if err != nil {
			return err
		}
		return r.follower.Acknowledge(tx, saved)
	})
	return compared, found, err
}

// withoutOutdated leaves out the entries whose record was saved from a later one.
func (r *Reconciler) withoutOutdated(tx *gorm.DB, entries []follow.Entry) (kept []follow.Entry, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var rows []struct{ Subject, Position int64 }
	t := r.tables[0]
	err = tx.Raw(fmt.Sprintf("SELECT %s AS subject, position FROM %s WHERE %s = ANY (?) AND log = ?", t.Subject, t.Name, t.Subject),
		postgres.Array(subjects(entries)), entries[0].Log).Scan(&rows).Error
	position := map[int64]int64{}
	for _, row := range rows {
		position[row.Subject] = row.Position
	}
	for _, e := range entries {
		if position[e.Subject] <= e.Position {
			kept = append(kept, e)
		}
	}
	return kept, err
}

// differing returns the entries whose record is not as it should be. An entry that cannot be saved does not hide the others.
func (r *Reconciler) differing(tx *gorm.DB, entries []follow.Entry, found *[]Difference) (wrong []follow.Entry, err error) {
	before, after, err := r.trial(tx, entries)
	switch {
	case err != nil && !follow.IsPoison(tx.Statement.Context, err):
		return nil, err
	case err != nil && len(entries) == 1:
		*found = append(*found, Difference{entries[0].Subject, entries[0].Position, "cannot be saved: " + deadletter.ErrorText(err), true})
		return nil, nil
	case err != nil:
		for _, e := range entries {
			one, err := r.differing(tx, []follow.Entry{e}, found)
			if err != nil {
				return nil, err
			}
			wrong = append(wrong, one...)
		}
		return wrong, nil
	}
	for _, e := range entries {
		was, present := before[e.Subject]
		if was == after[e.Subject] {
			continue
		}
		what := different
		if !present {
			what = missing
		}
		wrong, *found = append(wrong, e), append(*found, Difference{e.Subject, e.Position, what, false})
	}
	return wrong, nil
}

// errRollBack ends a trial.
var errRollBack = errors.New("roll back")

// trial deletes the records of entries, saves them again, and rolls that back. It returns the digests of before and after.
func (r *Reconciler) trial(tx *gorm.DB, entries []follow.Entry) (before, after map[int64]string, err error) {
	err = tx.Transaction(func(tx *gorm.DB) error {
		if before, err = r.digests(tx, entries); err != nil {
			return err
		}
		if err := r.remove(tx, entries); err != nil {
			return err
		}
		if _, _, err := r.follower.Save(tx, entries); err != nil {
			return err
		}
		if after, err = r.digests(tx, entries); err != nil {
			return err
		}
		return errRollBack
	})
	if errors.Is(err, errRollBack) {
		err = nil
	}
	return before, after, err
}

// digests returns, for each subject, the number and a hash of its rows, table by table.
func (r *Reconciler) digests(tx *gorm.DB, entries []follow.Entry) (map[int64]string, error) {
	digests := map[int64]string{}
	for _, t := range r.tables {
		var rows []struct {
			Subject int64
			Digest  string
		}
		err := tx.Raw(fmt.Sprintf(`SELECT t.%s AS subject, count(*) || ' ' || md5(string_agg(content, ' ' ORDER BY content)) AS digest
			FROM %s t, LATERAL (SELECT (to_jsonb(t) - ARRAY['instance', 'log', 'position'])::text AS content) c
			WHERE t.%s = ANY (?) GROUP BY 1`, t.Subject, t.Name, t.Subject), postgres.Array(subjects(entries))).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			digests[row.Subject] += t.Name + " " + row.Digest + "\n"
		}
	}
	return digests, nil
}

// remove deletes the records of entries, the rows that belong to them first.
func (r *Reconciler) remove(tx *gorm.DB, entries []follow.Entry) error {
	for _, t := range slices.Backward(r.tables) {
		if err := tx.Exec(fmt.Sprintf("DELETE FROM %s WHERE %s = ANY (?)", t.Name, t.Subject), postgres.Array(subjects(entries))).Error; err != nil {
			return err
		}
	}
	return nil
}

func subjects(entries []follow.Entry) (ids []int64) {
	for _, e := range entries {
		ids = append(ids, e.Subject)
	}
	return ids
}

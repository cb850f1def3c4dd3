// How the records of one document are compared with the log, and repaired: in one transaction, in which the cursor row is locked,
// they are deleted and written anew by the service's own handler. Where that makes no difference it is undone, so a record that
// is right is not touched.

package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// Table is where a service keeps what it makes of entries: rows with the entry's subject in a column. The columns instance, log and
// position may differ from what the log says, all others may not.
type Table struct {
	Name    string
	Subject string // the column
}

// Difference is a record that is not as the log says.
type Difference struct {
	Subject  int64  `json:"subject"`
	Position int64  `json:"position,omitempty"` // of the entry that says what it should be
	What     string `json:"what"`
	refused  bool
}

// What a difference can be; besides, what the log says can be something that cannot be written.
const (
	missing   = "missing"
	different = "different"
	extra     = "not in the log"
)

// compare brings the records of a document's entries into line with it, and says which were not. It leaves alone what the cursor
// has not come to, and records that were written from later entries.
func (p *Poller) compare(ctx context.Context, doc *document) (compared int, found []Difference, err error) {
	err = p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		at, err := p.locked(tx)
		if err != nil {
			return err
		}
		if at.Epoch != doc.epoch {
			return errMoved
		}
		var entries []Entry
		for _, e := range doc.entries {
			if e.Epoch = at.log(); e.Position <= at.Position {
				entries = append(entries, e)
			}
		}
		if entries, err = p.current(tx, latest(entries)); err != nil || len(entries) == 0 {
			return err
		}
		compared = len(entries)
		wrong, err := p.differing(ctx, tx, entries, &found)
		if err != nil || len(wrong) == 0 {
			return err
		}
		if err := p.remove(tx, wrong); err != nil {
			return err
		}
		_, err = p.try(ctx, tx, wrong)
		return err
	})
	return compared, found, err
}

// current leaves out the entries whose record was written from a later one.
func (p *Poller) current(tx *gorm.DB, entries []Entry) (kept []Entry, err error) {
	t := p.cfg.Records[0]
	var rows []struct {
		Subject, Position int64
		Log               string
	}
	if len(entries) == 0 {
		return nil, nil
	}
	err = tx.Raw(fmt.Sprintf("SELECT %s AS subject, position, log FROM %s WHERE %s IN ?", t.Subject, t.Name, t.Subject), subjects(entries)).Scan(&rows).Error
	later := map[int64]int64{}
	for _, r := range rows {
		if r.Log == entries[0].Epoch {
			later[r.Subject] = r.Position
		}
	}
	for _, e := range entries {
		if later[e.Subject] <= e.Position {
			kept = append(kept, e)
		}
	}
	return kept, err
}

// differing says for which entries the record is not as it should be. One that cannot be written hides no other.
func (p *Poller) differing(ctx context.Context, tx *gorm.DB, entries []Entry, found *[]Difference) (wrong []Entry, err error) {
	before, after, err := p.trial(ctx, tx, entries)
	switch {
	case err != nil && !poison(ctx, err):
		return nil, err
	case err != nil && len(entries) == 1:
		*found = append(*found, Difference{entries[0].Subject, entries[0].Position, "cannot be written: " + errorText(err), true})
		return nil, nil
	case err != nil:
		for _, e := range entries {
			one, err := p.differing(ctx, tx, []Entry{e}, found)
			if err != nil {
				return nil, err
			}
			wrong = append(wrong, one...)
		}
		return wrong, nil
	}
	for _, e := range entries {
		was, there := before[e.Subject]
		if was == after[e.Subject] {
			continue
		}
		what := different
		if !there {
			what = missing
		}
		wrong, *found = append(wrong, e), append(*found, Difference{e.Subject, e.Position, what, false})
	}
	return wrong, nil
}

// errUndone rolls a trial back.
var errUndone = errors.New("undone")

// trial writes the records of entries anew, and undoes it.
func (p *Poller) trial(ctx context.Context, tx *gorm.DB, entries []Entry) (before, after map[int64]string, err error) {
	err = tx.Transaction(func(tx *gorm.DB) error {
		if before, err = p.digests(tx, entries); err != nil {
			return err
		}
		if err := p.remove(tx, entries); err != nil {
			return err
		}
		if _, err := p.try(ctx, tx, entries); err != nil {
			return err
		}
		if after, err = p.digests(tx, entries); err != nil {
			return err
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		err = nil
	}
	return before, after, err
}

// digests are count and hash of each subject's rows, table by table.
func (p *Poller) digests(tx *gorm.DB, entries []Entry) (map[int64]string, error) {
	digests := map[int64]string{}
	for _, t := range p.cfg.Records {
		var rows []struct {
			Subject int64
			Digest  string
		}
		err := tx.Raw(fmt.Sprintf(`SELECT t.%s AS subject, count(*) || ' ' || md5(string_agg(content, ' ' ORDER BY content)) AS digest
			FROM %s t, LATERAL (SELECT (to_jsonb(t) - ARRAY['instance', 'log', 'position'])::text AS content) c
			WHERE t.%s IN ? GROUP BY 1`, t.Subject, t.Name, t.Subject), subjects(entries)).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			digests[r.Subject] += t.Name + " " + r.Digest + "\n"
		}
	}
	return digests, nil
}

// remove deletes the records of entries; their parts first.
func (p *Poller) remove(tx *gorm.DB, entries []Entry) error {
	for _, t := range slices.Backward(p.cfg.Records) {
		if err := tx.Exec(fmt.Sprintf("DELETE FROM %s WHERE %s IN ?", t.Name, t.Subject), subjects(entries)).Error; err != nil {
			return err
		}
	}
	return nil
}

func subjects(entries []Entry) (ids []int64) {
	for _, e := range entries {
		ids = append(ids, e.Subject)
	}
	return ids
}

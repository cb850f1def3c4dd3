// Package reconcile compares all records of a consumer with the log that they were made from, and repairs what differs.
//
// The log is walked from its end to its start, one document per transaction, beside the polls. Of all instances one does it. What
// it finds is kept in the database. Records that no entry speaks of are reported and left to a person: the log cannot say
// what they are.
//
// What belongs here: the comparison, its progress and its result. What does not: saving a record and locking the cursor (package
// follow), showing the result (package consumerstatus).
package reconcile

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"msatom/shared/deadletter"
	"msatom/shared/follow"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

//go:embed migrations/*.sql
var schema embed.FS

// Migration creates the tables of a reconciler in its service's schema.
func Migration() postgres.Migration { return postgres.Files("reconcile", schema) }

// Reconciler compares the records that a follower saves. Make it with New.
type Reconciler struct {
	db             *gorm.DB
	follower       *follow.Follower
	feed, instance string
	tables         []Table
	start          chan struct{}
}

// New returns a reconciler for the records in tables: the first is the record's own and has the columns log and position, the
// others have the rows that belong to it.
func New(db *gorm.DB, follower *follow.Follower, tables ...Table) *Reconciler {
	cfg := follower.Config()
	return &Reconciler{db: db, follower: follower, feed: cfg.Feed, instance: cfg.Instance, tables: tables, start: make(chan struct{}, 1)}
}

// Reconciliation is how the latest comparison of the records with the log went, or goes.
type Reconciliation struct {
	Feed      string       `json:"-"`
	Instance  string       `json:"instance"`
	Started   time.Time    `json:"started"`
	Seen      time.Time    `json:"-"`
	Finished  *time.Time   `json:"finished"` // null while it runs
	Head      int64        `json:"head"`     // the position that it began with
	Position  int64        `json:"position"` // and that it has come down to
	Documents int64        `json:"documents"`
	Compared  int64        `json:"compared"`                        // records
	Repaired  int64        `json:"repaired"`                        // of these
	Refused   int64        `json:"refused"`                         // of these: they differ, but what the log says cannot be saved
	Extra     int64        `json:"extra"`                           // records that no entry speaks of
	Findings  []Difference `json:"findings" gorm:"serializer:json"` // the first 100
	Error     string       `json:"error,omitempty"`                 // that ended it
}

// TableName is reconciliation.
func (Reconciliation) TableName() string { return "reconciliation" }

// Done returns how many of Head positions were compared.
func (r Reconciliation) Done() int64 { return r.Head - r.Position }

// IsClean reports whether the comparison has finished and found nothing.
func (r Reconciliation) IsClean() bool {
	return r.Finished != nil && r.Error == "" && r.Repaired+r.Refused+r.Extra == 0
}

const (
	maxFindings    = 100
	progressEvery  = time.Second
	abandonedAfter = 45 * time.Second // without progress, the instance has gone
)

// Start asks this instance to compare all records with the log, and returns at once. Errors: a problem.Error (409) if a comparison
// is running or there is nothing to compare.
func (r *Reconciler) Start(ctx context.Context) error {
	cursor, err := r.follower.Cursor(ctx)
	if err != nil {
		return err
	}
	if cursor.Position == 0 {
		return problem.Conflict("There is nothing to compare: no entry of the log has been processed yet.")
	}
	claimed := r.db.WithContext(ctx).Exec(`INSERT INTO reconciliation AS r (feed, instance, started, seen) VALUES (?, ?, now(), now())
		ON CONFLICT (feed) DO UPDATE SET instance = excluded.instance, started = now(), seen = now(), finished = NULL, head = 0, position = 0,
			documents = 0, compared = 0, repaired = 0, refused = 0, extra = 0, findings = '[]', error = ''
		WHERE r.finished IS NOT NULL OR r.seen < now() - make_interval(secs => ?)`, r.feed, r.instance, abandonedAfter.Seconds())
	if claimed.Error == nil && claimed.RowsAffected == 0 {
		return problem.Conflict("The records are already being compared with the log.")
	}
	if claimed.Error == nil {
		r.start <- struct{}{} // has room: this instance did not have the claim
	}
	return claimed.Error
}

// Latest returns the latest comparison, nil if there was none.
func (r *Reconciler) Latest(ctx context.Context) (*Reconciliation, error) {
	var list []Reconciliation
	err := r.db.WithContext(ctx).Where("feed = ?", r.feed).Limit(1).Find(&list).Error
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Run does what Start asks for, until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.start:
		}
		slog.Info("comparing the records with the log", "feed", r.feed)
		result := &Reconciliation{Findings: []Difference{}}
		err := r.compareAll(ctx, result)
		if err == nil {
			err = r.findExtra(ctx, result)
		}
		if err != nil {
			result.Error = deadletter.ErrorText(err)
		}
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err = errors.Join(err, r.store(ending, result, true))
		cancel()
		slog.Info("compared the records with the log", "feed", r.feed, "records", result.Compared, "repaired", result.Repaired,
			"refused", result.Refused, "extra", result.Extra, "error", err)
	}
}

// compareAll walks the log from its end to its start, so the first entry that it meets about a subject is the latest.
func (r *Reconciler) compareAll(ctx context.Context, result *Reconciliation) error {
	db := r.db.WithContext(ctx)
	if err := db.Exec("DELETE FROM reconciliation_met WHERE feed = ?", r.feed).Error; err != nil {
		return err
	}
	stored := time.Now()
	return r.follower.WalkBack(ctx, func(doc *follow.Document) error {
		if doc.Foreign {
			return errors.New("the feed's entries have no positions: records cannot be compared with it")
		}
		compared, found, err := r.compare(ctx, doc)
		if err != nil {
			return err
		}
		if err := db.Exec("INSERT INTO reconciliation_met SELECT ?, unnest(?::bigint[]) ON CONFLICT DO NOTHING",
			r.feed, postgres.Array(subjects(doc.Entries))).Error; err != nil {
			return err
		}
		result.Head, result.Position = max(result.Head, doc.Last()), max(doc.First()-1, 0)
		result.Documents, result.Compared = result.Documents+1, result.Compared+int64(compared)
		for _, d := range found {
			slog.Warn("a record was not as the log says", r.feed, d.Subject, "position", d.Position, "was", d.What)
			if d.refused {
				result.Refused++
			} else {
				result.Repaired++
			}
			result.list(d)
		}
		if time.Since(stored) < progressEvery {
			return nil
		}
		stored = time.Now()
		return r.store(ctx, result, false)
	})
}

func (r *Reconciliation) list(d Difference) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, d)
	}
}

// findExtra looks for records that no entry speaks of. Records of entries that came during the walk are not extra.
func (r *Reconciler) findExtra(ctx context.Context, result *Reconciliation) error {
	cursor, err := r.follower.Cursor(ctx)
	if err != nil {
		return err
	}
	t, db := r.tables[0], r.db.WithContext(ctx)
	rest := fmt.Sprintf(`FROM %s t WHERE NOT (log = ? AND position > ?)
		AND NOT EXISTS (SELECT FROM reconciliation_met m WHERE m.feed = ? AND m.subject = t.%s)`, t.Name, t.Subject)
	if err := db.Raw("SELECT count(*) "+rest, cursor.Log(), result.Head, r.feed).Scan(&result.Extra).Error; err != nil {
		return err
	}
	var ids []int64
	if result.Extra > 0 {
		err = db.Raw(fmt.Sprintf("SELECT t.%s %s ORDER BY 1 LIMIT ?", t.Subject, rest), cursor.Log(), result.Head, r.feed, maxFindings).Scan(&ids).Error
	}
	for _, id := range ids {
		result.list(Difference{Subject: id, What: extra})
	}
	if err != nil {
		return err
	}
	return db.Exec("DELETE FROM reconciliation_met WHERE feed = ?", r.feed).Error
}

// store writes the progress or the result to the database.
func (r *Reconciler) store(ctx context.Context, result *Reconciliation, finished bool) error {
	findings, err := json.Marshal(result.Findings)
	if err != nil {
		return err
	}
	return r.db.WithContext(ctx).Exec(`UPDATE reconciliation SET seen = now(), finished = CASE WHEN ? THEN now() END, head = ?, position = ?,
		documents = ?, compared = ?, repaired = ?, refused = ?, extra = ?, findings = ?, error = ? WHERE feed = ? AND instance = ?`,
		finished, result.Head, result.Position, result.Documents, result.Compared, result.Repaired, result.Refused, result.Extra,
		string(findings), result.Error, r.feed, r.instance).Error
}

// Reconciliation: all records are compared with the log, and what differs is repaired. The log is walked from its end to its
// beginning, so that the first entry that is met about a subject is its latest. Records that no entry speaks of are reported, and
// left to a person: the log cannot say what they are.
//
// It goes on beside the polls, a document at a time; of all instances one does it. What it finds is kept in the database.

package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"msatom/shared/problem"
)

// Reconciliation is how the latest comparison of the records with the log went, or goes.
type Reconciliation struct {
	Feed      string       `json:"-"`
	Instance  string       `json:"instance"`
	Started   time.Time    `json:"started"`
	Seen      time.Time    `json:"-"`
	Finished  *time.Time   `json:"finished"` // null while it goes on
	Head      int64        `json:"head"`     // the position that it began with
	Position  int64        `json:"position"` // and that it has come down to
	Documents int64        `json:"documents"`
	Compared  int64        `json:"compared"`                        // records
	Repaired  int64        `json:"repaired"`                        // of these
	Refused   int64        `json:"refused"`                         // of these: they differ, but what the log says cannot be written
	Extra     int64        `json:"extra"`                           // records that no entry speaks of
	Findings  []Difference `json:"findings" gorm:"serializer:json"` // the first 100
	Error     string       `json:"error,omitempty"`                 // that ended it
}

// TableName is poll_reconciliation.
func (Reconciliation) TableName() string { return "poll_reconciliation" }

// Done is how much of the log was compared, of Head.
func (r Reconciliation) Done() int64 { return r.Head - r.Position }

// Right says whether it has come to its end and found nothing.
func (r Reconciliation) Right() bool {
	return r.Finished != nil && r.Error == "" && r.Repaired+r.Refused+r.Extra == 0
}

const (
	maxFindings   = 100
	progressEvery = time.Second
)

// Reconcile asks this instance to compare all records with the log. It returns at once. Errors: a problem.Error (409) if that goes
// on already or cannot be done.
func (p *Poller) Reconcile(ctx context.Context) error {
	if len(p.cfg.Records) == 0 {
		return problem.Conflict("This service has not said where its records are.")
	}
	at, _, err := p.cursor(ctx)
	if err != nil {
		return err
	}
	if at.Position == 0 {
		return problem.Conflict("Nothing of a log has been processed yet: there is nothing to compare.")
	}
	claimed := p.db.WithContext(ctx).Exec(`INSERT INTO poll_reconciliation AS r (feed, instance, started, seen) VALUES (?, ?, now(), now())
		ON CONFLICT (feed) DO UPDATE SET instance = excluded.instance, started = now(), seen = now(), finished = NULL, head = 0, position = 0,
			documents = 0, compared = 0, repaired = 0, refused = 0, extra = 0, findings = '[]', error = ''
		WHERE r.finished IS NOT NULL OR r.seen < now() - make_interval(secs => ?)`, p.cfg.Feed, p.cfg.Instance, goneAfter.Seconds())
	if claimed.Error == nil && claimed.RowsAffected == 0 {
		return problem.Conflict("The records are being compared with the log already.")
	}
	if claimed.Error == nil {
		p.reconcile <- struct{}{} // has room: this instance did not have the claim
	}
	return claimed.Error
}

// Reconciliation reads how the latest went; nil if there was none.
func (p *Poller) Reconciliation(ctx context.Context) (*Reconciliation, error) {
	var list []Reconciliation
	err := p.db.WithContext(ctx).Where("feed = ?", p.cfg.Feed).Limit(1).Find(&list).Error
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// reconciling does what Reconcile asks for, until ctx ends.
func (p *Poller) reconciling(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.reconcile:
		}
		slog.Info("comparing the records with the log", "feed", p.cfg.Feed)
		r := &Reconciliation{Findings: []Difference{}}
		err := p.compareAll(ctx, r)
		if err == nil {
			err = p.findExtra(ctx, r)
		}
		if err != nil {
			r.Error = errorText(err)
		}
		ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err = errors.Join(err, p.note(ended, r, true))
		cancel()
		slog.Info("compared the records with the log", "feed", p.cfg.Feed, "records", r.Compared, "repaired", r.Repaired, "refused", r.Refused, "extra", r.Extra, "error", err)
	}
}

// compareAll walks the log from its end to its beginning.
func (p *Poller) compareAll(ctx context.Context, r *Reconciliation) error {
	if err := p.db.WithContext(ctx).Exec("DELETE FROM poll_met WHERE feed = ?", p.cfg.Feed).Error; err != nil {
		return err
	}
	doc, err := p.client.recent(ctx, p.cfg.FeedURL, validators{}, true)
	if err != nil {
		return err
	}
	if !doc.positioned {
		return errors.New("this feed has no positions: it cannot be compared with")
	}
	r.Head, r.Position = doc.last(), doc.last()
	noted := time.Now()
	for walked := map[string]bool{}; doc != nil; {
		compared, found, err := p.compare(ctx, doc)
		if err != nil {
			return err
		}
		if err := p.meet(ctx, doc); err != nil {
			return err
		}
		r.Documents, r.Compared, r.Position = r.Documents+1, r.Compared+int64(compared), max(doc.first()-1, 0)
		for _, f := range found {
			slog.Warn("a record was not as the log says", p.cfg.Feed, f.Subject, "position", f.Position, "was", f.What)
			if f.refused {
				r.Refused++
			} else {
				r.Repaired++
			}
			r.find(f)
		}
		if time.Since(noted) > progressEvery {
			noted = time.Now()
			if err := p.note(ctx, r, false); err != nil {
				return err
			}
		}
		if doc, err = p.follow(ctx, walked, doc, "prev-archive"); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciliation) find(d Difference) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, d)
	}
}

// meet remembers which subjects there are.
func (p *Poller) meet(ctx context.Context, doc *document) error {
	ids, err := json.Marshal(subjects(doc.entries))
	if err != nil {
		return err
	}
	return p.db.WithContext(ctx).Exec(`INSERT INTO poll_met SELECT DISTINCT ?, id::bigint FROM json_array_elements_text(?) AS id
		ON CONFLICT DO NOTHING`, p.cfg.Feed, string(ids)).Error
}

// findExtra looks for records that no entry speaks of. Those of entries that came during the walk are none.
func (p *Poller) findExtra(ctx context.Context, r *Reconciliation) error {
	at, _, err := p.cursor(ctx)
	if err != nil {
		return err
	}
	t, db := p.cfg.Records[0], p.db.WithContext(ctx)
	rest := fmt.Sprintf(`FROM %s t WHERE NOT (log = ? AND position > ?)
		AND NOT EXISTS (SELECT FROM poll_met m WHERE m.feed = ? AND m.subject = t.%s)`, t.Name, t.Subject)
	var ids []int64
	if err := db.Raw("SELECT count(*) "+rest, at.log(), r.Head, p.cfg.Feed).Scan(&r.Extra).Error; err != nil {
		return err
	}
	if r.Extra > 0 {
		err = db.Raw(fmt.Sprintf("SELECT t.%s %s ORDER BY 1 LIMIT ?", t.Subject, rest), at.log(), r.Head, p.cfg.Feed, maxFindings).Scan(&ids).Error
	}
	for _, id := range ids {
		r.find(Difference{Subject: id, What: extra})
	}
	if err != nil {
		return err
	}
	return db.Exec("DELETE FROM poll_met WHERE feed = ?", p.cfg.Feed).Error
}

// note writes down how far it has come.
func (p *Poller) note(ctx context.Context, r *Reconciliation, finished bool) error {
	findings, err := json.Marshal(r.Findings)
	if err != nil {
		return err
	}
	return p.db.WithContext(ctx).Exec(`UPDATE poll_reconciliation SET seen = now(), finished = CASE WHEN ? THEN now() END, head = ?, position = ?,
		documents = ?, compared = ?, repaired = ?, refused = ?, extra = ?, findings = ?, error = ? WHERE feed = ? AND instance = ?`,
		finished, r.Head, r.Position, r.Documents, r.Compared, r.Repaired, r.Refused, r.Extra, string(findings), r.Error, p.cfg.Feed, p.cfg.Instance).Error
}

// Parked entries: those that could not be processed wait here, each tried again after growing pauses until it succeeds or a
// person skips it.

package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/VictoriaMetrics/metrics"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"msatom/shared/problem"
)

// Parked is an entry that could not be processed.
type Parked struct {
	ID       int64     `json:"id"`
	Feed     string    `json:"-"`
	EntryID  string    `json:"entry"`
	Updated  time.Time `json:"updated"`
	Epoch    string    `json:"-"`
	Position int64     `json:"position"`
	Subject  int64     `json:"subject"`
	Kind     string    `json:"kind"`
	Src      string    `json:"src"`
	ReplyTo  string    `json:"-"`
	Content  string    `json:"-"`
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"`
	ParkedAt time.Time `json:"parked" gorm:"default:now()"`
	NextTry  time.Time `json:"nextTry"`
}

// TableName is poll_parked.
func (Parked) TableName() string { return "poll_parked" }

// pause before the next try: 30 seconds after the first, twice as long each time, an hour at most.
func pause(attempts int) time.Duration {
	return min(30*time.Second<<min(attempts-1, 10), time.Hour)
}

func (p *Poller) park(tx *gorm.DB, e Entry, reason error) error {
	content := string(e.Content)
	if !utf8.ValidString(content) || strings.ContainsRune(content, 0) {
		content = "" // cannot be stored; will be fetched again
	}
	slog.Warn("entry cannot be processed", p.cfg.Feed, e.Subject, "position", e.Position, "error", reason)
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&Parked{
		Feed: p.cfg.Feed, EntryID: e.ID, Updated: e.Updated, Epoch: e.Epoch, Position: e.Position, Subject: e.Subject, Kind: e.Kind,
		Src: e.Src, ReplyTo: e.ReplyTo, Content: content, Error: errorText(reason), Attempts: 1, NextTry: p.cfg.Now().UTC().Add(pause(1)),
	}).Error
}

// errorText makes an error fit for a text column: valid, and not endless.
func errorText(err error) string {
	s := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", "\\0"), "?")
	return s[:min(len(s), 1000)]
}

// retryParked tries again those parked entries whose time has come, at most 100 of them.
func (p *Poller) retryParked(ctx context.Context, result *Result) error {
	var due []Parked
	err := p.db.WithContext(ctx).Where("feed = ? AND next_try <= ?", p.cfg.Feed, p.cfg.Now().UTC()).Order("position").Limit(100).Find(&due).Error
	for _, d := range due {
		if err != nil {
			return err
		}
		err = p.retry(ctx, d.ID, result)
	}
	return err
}

func (p *Poller) retry(ctx context.Context, id int64, result *Result) error {
	var parked Parked
	err := p.db.WithContext(ctx).Take(&parked, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil // another instance was faster
	}
	if err != nil {
		return err
	}
	e := Entry{ID: parked.EntryID, Epoch: parked.Epoch, Position: parked.Position, Subject: parked.Subject, Kind: parked.Kind,
		Updated: parked.Updated.UTC(), Src: parked.Src, ReplyTo: parked.ReplyTo, Content: []byte(parked.Content)}
	if len(e.Content) == 0 && e.Src != "" {
		fetched, err := p.fetchContents(ctx, []Entry{e})
		if err != nil {
			return err
		}
		e = fetched[0]
	}
	var done outcome
	err = p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Take(&parked, "id = ?", id).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		one, err := p.try(ctx, tx, []Entry{e})
		if err == nil {
			done = one
			return tx.Delete(&parked).Error
		}
		if !poison(ctx, err) {
			return err
		}
		return tx.Model(&parked).Updates(map[string]any{
			"error": errorText(err), "attempts": parked.Attempts + 1, "next_try": p.cfg.Now().UTC().Add(pause(parked.Attempts + 1)),
		}).Error
	})
	if err == nil {
		p.tell(done, result)
	}
	return err
}

// parkedGauge is how many entries of a feed wait because they could not be processed.
func parkedGauge(feed string) *metrics.Gauge {
	return metrics.GetOrCreateGauge(fmt.Sprintf("msatom_poll_parked{feed=%q}", feed), nil)
}

// recount notes how many entries are parked, for the metrics and for who asks between two looks.
func (p *Poller) recount(ctx context.Context) error {
	var n int64
	err := p.db.WithContext(ctx).Model(&Parked{}).Where("feed = ?", p.cfg.Feed).Count(&n).Error
	if err == nil {
		p.parked.Store(n)
		parkedGauge(p.cfg.Feed).Set(float64(n))
	}
	return err
}

// Detail is what /readyz adds: how many entries were parked when this instance last looked, at most 15 seconds ago.
func (p *Poller) Detail() map[string]any { return map[string]any{"parked": p.parked.Load()} }

// Parked lists the parked entries, oldest position first, at most 100, and says how many there are in all.
func (p *Poller) Parked(ctx context.Context) (list []Parked, total int64, err error) {
	db := p.db.WithContext(ctx).Model(&Parked{}).Where("feed = ?", p.cfg.Feed)
	if err = db.Count(&total).Error; err == nil && total > 0 {
		err = p.db.WithContext(ctx).Where("feed = ?", p.cfg.Feed).Order("position").Limit(100).Find(&list).Error
	}
	return list, total, err
}

// Retry tries a parked entry now. It returns a problem.Error (404) if there is none with this id.
func (p *Poller) Retry(ctx context.Context, id int64) (Result, error) {
	var result Result
	var n int64
	err := p.db.WithContext(ctx).Model(&Parked{}).Where("feed = ? AND id = ?", p.cfg.Feed, id).Count(&n).Error
	if err == nil && n == 0 {
		err = problem.NotFound("No parked entry has the id %d.", id)
	}
	if err == nil {
		err = p.retry(ctx, id, &result)
	}
	return result, err
}

// Skip gives up a parked entry. It returns a problem.Error (404) if there is none with this id.
func (p *Poller) Skip(ctx context.Context, id int64) error {
	gone := p.db.WithContext(ctx).Where("feed = ? AND id = ?", p.cfg.Feed, id).Delete(&Parked{})
	if gone.Error == nil && gone.RowsAffected == 0 {
		return problem.NotFound("No parked entry has the id %d.", id)
	}
	if gone.Error == nil {
		slog.Warn("parked entry skipped by hand", "id", id)
	}
	return gone.Error
}

// Package deadletter keeps the entries of a feed that could not be processed. Each is retried with exponential backoff until it
// succeeds or a person skips it; meanwhile the other entries go on.
//
// What belongs here: parking, listing, retrying and skipping dead letters, and their table. What does not: deciding whether an
// error is the entry's fault, and processing an entry (package follow); the pages (package consumerstatus).
package deadletter

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/VictoriaMetrics/metrics"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"msatom/shared/postgres"
	"msatom/shared/problem"
)

//go:embed migrations/*.sql
var schema embed.FS

// Migration creates the table of dead letters in a service's schema.
func Migration() postgres.Migration { return postgres.Files("deadletter", schema) }

// Letter is an entry that could not be processed.
type Letter struct {
	ID          int64     `json:"id"`
	Feed        string    `json:"-"`
	EntryID     string    `json:"entry"`
	Updated     time.Time `json:"updated"`
	Log         string    `json:"-"`
	Position    int64     `json:"position"`
	Subject     int64     `json:"subject"`
	Kind        string    `json:"kind"`
	Src         string    `json:"src"`
	ReplyTo     string    `json:"-"`
	Content     string    `json:"-"` // "" if it is not known, or not text that Postgres can store
	Error       string    `json:"error"`
	Attempts    int       `json:"attempts"`
	FirstFailed time.Time `json:"firstFailed"`
	NextTry     time.Time `json:"nextTry"`
}

// TableName is dead_letter.
func (Letter) TableName() string { return "dead_letter" }

// Box holds the dead letters of one feed. Make it with New.
type Box struct {
	db    *gorm.DB
	feed  string
	now   func() time.Time
	count atomic.Int64 // when last counted
}

// New returns the box of a feed. now is the clock that schedules the retries.
func New(db *gorm.DB, feed string, now func() time.Time) *Box {
	return &Box{db: db, feed: feed, now: now}
}

const (
	maxListed = 100  // letters that List and Due return
	maxError  = 1000 // bytes of an error's text
)

// backoff returns the pause before the next attempt: 30 seconds after the first, then twice as long each time, at most an hour.
func backoff(attempts int) time.Duration {
	return min(30*time.Second<<min(attempts-1, 10), time.Hour)
}

// Park stores an entry as a dead letter, in the transaction that skips it. Of the letter's fields, the caller sets those of the
// entry.
func (b *Box) Park(tx *gorm.DB, letter Letter, reason error) error {
	if !utf8.ValidString(letter.Content) || strings.ContainsRune(letter.Content, 0) {
		letter.Content = "" // it is fetched again for the next attempt
	}
	now := b.now().UTC()
	letter.Feed, letter.Error, letter.Attempts = b.feed, ErrorText(reason), 1
	letter.FirstFailed, letter.NextTry = now, now.Add(backoff(1))
	slog.Warn("entry cannot be processed, moved to the dead letters", b.feed, letter.Subject, "position", letter.Position, "error", reason)
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&letter).Error
}

// ErrorText returns an error's text as a text column can hold it: valid UTF-8 without NUL, at most 1,000 bytes.
func ErrorText(err error) string {
	s := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", `\0`), "?")
	n := min(len(s), maxError)
	for n < len(s) && !utf8.RuneStart(s[n]) {
		n-- // a text that ends inside a character would be refused
	}
	return s[:n]
}

// HasDue is an SQL condition: a letter of a feed is due at a time. Feed and time are its parameters. A query that runs anyway can
// include it, so that a poll needs no query of its own for it.
const HasDue = "EXISTS (SELECT FROM dead_letter WHERE dead_letter.feed = ? AND next_try <= ?)"

// Due returns the letters whose next attempt is due, at most 100.
func (b *Box) Due(ctx context.Context) (due []Letter, err error) {
	err = b.db.WithContext(ctx).Where("feed = ? AND next_try <= ?", b.feed, b.now().UTC()).Order("position").Limit(maxListed).Find(&due).Error
	return due, err
}

// Among returns which of the entries with these ids are in the box.
func (b *Box) Among(tx *gorm.DB, entryIDs []string) (map[string]bool, error) {
	var parked []string
	err := tx.Model(&Letter{}).Where("feed = ? AND entry_id = ANY (?)", b.feed, postgres.Array(entryIDs)).Pluck("entry_id", &parked).Error
	isParked := map[string]bool{}
	for _, id := range parked {
		isParked[id] = true
	}
	return isParked, err
}

// Get returns the letter with an id. Errors: a problem.Error, 404.
func (b *Box) Get(ctx context.Context, id int64) (letter Letter, err error) {
	err = b.db.WithContext(ctx).Take(&letter, "feed = ? AND id = ?", b.feed, id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = problem.NotFound("No dead letter has the id %d.", id)
	}
	return letter, err
}

// Retry calls process in a transaction and removes the letter if refused is nil. If not, the letter stays and its next attempt
// comes later. An err is a failure that says nothing about the letter; it leaves everything as it was. While another instance
// retries the letter, and once it is gone, process is not called.
func (b *Box) Retry(ctx context.Context, letter Letter, process func(tx *gorm.DB) (refused, err error)) error {
	return b.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var locked Letter
		err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Take(&locked, "id = ?", letter.ID).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		refused, err := process(tx)
		if err != nil {
			return err
		}
		if refused == nil {
			return tx.Delete(&locked).Error
		}
		attempts := locked.Attempts + 1
		return tx.Model(&locked).Updates(map[string]any{
			"error": ErrorText(refused), "attempts": attempts, "next_try": b.now().UTC().Add(backoff(attempts)),
		}).Error
	})
}

// Skip gives up a letter. Errors: a problem.Error, 404.
func (b *Box) Skip(ctx context.Context, id int64) error {
	deleted := b.db.WithContext(ctx).Where("feed = ? AND id = ?", b.feed, id).Delete(&Letter{})
	if deleted.Error == nil && deleted.RowsAffected == 0 {
		return problem.NotFound("No dead letter has the id %d.", id)
	}
	if deleted.Error == nil {
		slog.Warn("dead letter skipped by a person", "feed", b.feed, "id", id)
	}
	return deleted.Error
}

// Clear removes all letters, in the caller's transaction: the log that they come from is no longer followed.
func (b *Box) Clear(tx *gorm.DB) error {
	return tx.Where("feed = ?", b.feed).Delete(&Letter{}).Error
}

// List returns the letters by position, at most 100, and how many there are in all.
func (b *Box) List(ctx context.Context) (list []Letter, total int64, err error) {
	if total, err = b.Count(ctx); err == nil && total > 0 {
		err = b.db.WithContext(ctx).Where("feed = ?", b.feed).Order("position").Limit(maxListed).Find(&list).Error
	}
	return list, total, err
}

// Count counts the letters and sets the metric msatom_dead_letters.
func (b *Box) Count(ctx context.Context) (n int64, err error) {
	if err = b.db.WithContext(ctx).Model(&Letter{}).Where("feed = ?", b.feed).Count(&n).Error; err == nil {
		b.count.Store(n)
		metrics.GetOrCreateGauge(fmt.Sprintf("msatom_dead_letters{feed=%q}", b.feed), nil).Set(float64(n))
	}
	return n, err
}

// LastCount returns what Count last found, without asking the database.
func (b *Box) LastCount() int64 { return b.count.Load() }

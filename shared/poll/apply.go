// How entries are applied: all of a document at once, and if one of them cannot be processed, each half by itself, and so on, so
// that the others go on and only that one is parked.

package poll

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// outcome is what became of entries.
type outcome struct {
	written []Entry
	ignored []Entry // already there
	parked  []Entry
}

func (p *Poller) apply(ctx context.Context, tx *gorm.DB, entries []Entry) (outcome, error) {
	done, err := p.try(ctx, tx, latest(entries))
	if err == nil || !poison(ctx, err) {
		return done, err
	}
	if len(entries) == 1 {
		return outcome{parked: entries}, p.park(tx, entries[0], err)
	}
	half := len(entries) / 2
	one, err := p.apply(ctx, tx, entries[:half])
	if err != nil {
		return outcome{}, err
	}
	other, err := p.apply(ctx, tx, entries[half:])
	return outcome{append(one.written, other.written...), append(one.ignored, other.ignored...), append(one.parked, other.parked...)}, err
}

// try calls the handler between savepoints; a panic is an error.
func (p *Poller) try(ctx context.Context, tx *gorm.DB, entries []Entry) (done outcome, err error) {
	var written []int64
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
		written, err = p.handle(ctx, tx, entries)
		return err
	})
	if err != nil {
		return outcome{}, err
	}
	wrote := map[int64]bool{}
	for _, subject := range written {
		wrote[subject] = true
	}
	for _, e := range entries {
		if wrote[e.Subject] {
			done.written = append(done.written, e)
		} else {
			done.ignored = append(done.ignored, e)
		}
	}
	return done, nil
}

// latest keeps the last entry of each subject, in their order: a snapshot holds all that its predecessors did.
func latest(entries []Entry) []Entry {
	last := map[int64]int{}
	for i, e := range entries {
		last[e.Subject] = i
	}
	var kept []Entry
	for i, e := range entries {
		if last[e.Subject] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// poison says whether an error comes from the entry, so that an immediate retry is pointless: the handler refused it,
// or Postgres refused its values (SQLSTATE classes 21, 22, 23). All else is a failure of the surroundings.
func poison(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone) || postgres.Down(err) {
		return false
	}
	switch code := postgres.Code(err); {
	case code == "":
		return true
	default:
		return strings.HasPrefix(code, "21") || strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23")
	}
}

// storyLength is up to how many entries are told one by one.
const storyLength = 10

// tell logs what became of entries, and counts it.
func (p *Poller) tell(done outcome, result *Result) {
	result.Written += len(done.written)
	result.Ignored += len(done.ignored)
	result.Parked += len(done.parked)
	level := slog.LevelInfo
	if p.cfg.Quiet {
		level = slog.LevelDebug
	}
	one := func(entries []Entry, what, message string) {
		entriesTotal(p.cfg.Feed, what).Add(len(entries))
		if len(entries) > storyLength {
			slog.Log(context.Background(), level, message, p.cfg.Feed+"s", len(entries), "from", entries[0].Subject, "to", entries[len(entries)-1].Subject)
			return
		}
		for _, e := range entries {
			slog.Log(context.Background(), level, message, p.cfg.Feed, e.Subject, "event", e.Kind, "position", e.Position)
		}
	}
	one(done.written, "written", p.cfg.Record+" written")
	one(done.ignored, "ignored", p.cfg.Record+" already there: ignored")
	one(done.parked, "parked", "entry parked, the others go on")
}

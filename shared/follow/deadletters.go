// Between entries and dead letters: how one becomes the other, and what a retry does.

package follow

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	"msatom/shared/deadletter"
)

// DeadLetters returns the feed's dead letters.
func (f *Follower) DeadLetters() *deadletter.Box { return f.letters }

func letterOf(e Entry) deadletter.Letter {
	return deadletter.Letter{EntryID: e.ID, Updated: e.Updated, Log: e.Log, Position: e.Position, Subject: e.Subject, Kind: e.Kind,
		Src: e.Src, ReplyTo: e.ReplyTo, Content: string(e.Content)}
}

func entryOf(l deadletter.Letter) Entry {
	return Entry{ID: l.EntryID, Updated: l.Updated.UTC(), Log: l.Log, Position: l.Position, Subject: l.Subject, Kind: l.Kind,
		Src: l.Src, ReplyTo: l.ReplyTo, Content: json.RawMessage(l.Content)}
}

// parked tells the entries that are dead letters from those that were saved.
func (f *Follower) parked(tx *gorm.DB, processed []Entry) (saved, parked []Entry, err error) {
	if len(processed) == 0 {
		return nil, nil, nil
	}
	var ids []string
	for _, e := range processed {
		ids = append(ids, e.ID)
	}
	isParked, err := f.letters.Among(tx, ids)
	for _, e := range processed {
		if isParked[e.ID] {
			parked = append(parked, e)
		} else {
			saved = append(saved, e)
		}
	}
	return saved, parked, err
}

// Retry retries a dead letter now. Errors: a problem.Error, 404.
func (f *Follower) Retry(ctx context.Context, id int64) (result Result, err error) {
	letter, err := f.letters.Get(ctx, id)
	if err == nil {
		err = f.retry(ctx, letter, &result)
	}
	if result.Saved > 0 && f.cfg.Committed != nil {
		f.cfg.Committed()
	}
	return result, err
}

// retryDue retries the dead letters whose next attempt is due.
func (f *Follower) retryDue(ctx context.Context, result *Result) error {
	due, err := f.letters.Due(ctx)
	for _, letter := range due {
		if err == nil {
			err = f.retry(ctx, letter, result)
		}
	}
	return err
}

func (f *Follower) retry(ctx context.Context, letter deadletter.Letter, result *Result) error {
	e := entryOf(letter)
	if len(e.Content) == 0 && e.Src != "" {
		if err := f.fetchContent(ctx, &e); err != nil {
			return err
		}
	}
	var done outcome
	err := f.letters.Retry(ctx, letter, func(tx *gorm.DB) (refused, err error) {
		saved, present, err := f.Save(tx, []Entry{e})
		if err != nil && IsPoison(ctx, err) {
			return err, nil
		}
		if err == nil {
			done = outcome{saved: saved, ignored: present}
			err = f.Acknowledge(tx, saved)
		}
		return nil, err
	})
	if err == nil {
		f.report(done, result)
	}
	return err
}

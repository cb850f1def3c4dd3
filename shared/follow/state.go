// What a follower has done and how its polls go: noted for others to show, logged, and counted.

package follow

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Result is what one or several polls did.
type Result struct {
	NotModified bool `json:"notModified"`
	Saved       int  `json:"written"`        // records written or changed
	Ignored     int  `json:"alreadyThere"`   // entries that were processed before, dead letters among them
	DeadLetters int  `json:"deadLetters"`    // entries that could not be processed
	More        bool `json:"more,omitempty"` // the time was up before everything was processed; the next poll continues
}

// String returns the result as words for a person.
func (r Result) String() string {
	if r.NotModified && r.Saved == 0 {
		return "nothing new (HTTP 304)"
	}
	entries := "entries"
	if r.Saved == 1 {
		entries = "entry"
	}
	s := fmt.Sprintf("%d %s processed", r.Saved, entries)
	if r.Ignored > 0 {
		s += fmt.Sprintf(", %d ignored: handled before", r.Ignored)
	}
	switch {
	case r.DeadLetters == 1:
		s += ", 1 dead letter"
	case r.DeadLetters > 1:
		s += fmt.Sprintf(", %d dead letters", r.DeadLetters)
	}
	if r.More {
		s += ", the next poll continues"
	}
	return s
}

// State is how the polls of this instance go.
type State struct {
	LastPoll time.Time     `json:"lastPoll,omitzero"` // when it began; zero before the first
	Took     time.Duration `json:"tookNanoseconds"`   // how long it lasted
	Result   Result        `json:"result"`            // of the last poll that succeeded
	Error    string        `json:"error,omitempty"`   // of the last poll; "" if it succeeded
	Since    time.Time     `json:"since,omitzero"`    // when the polls began to fail
	Failures int           `json:"failures"`          // polls that failed in a row
	Next     time.Time     `json:"next,omitzero"`     // when the next poll begins; zero during a poll and while waiting
	Waiting  bool          `json:"waiting"`           // the feed holds a request until there is news (long polling)
	Head     int64         `json:"-"`                 // where the log ended
	Empty    bool          `json:"-"`                 // the feed had no entries
}

// Outcome returns what came of the last poll, in words.
func (s State) Outcome() string {
	switch {
	case s.Error != "":
		return s.Error
	case s.LastPoll.IsZero():
		return "not polled yet"
	}
	return s.Result.String()
}

// State returns how the polls of this instance go.
func (f *Follower) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// noteHead notes where the feed ends.
func (f *Follower) noteHead(recent *Document) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Head, f.state.Empty = recent.Last(), len(recent.Entries) == 0
}

// plan notes when the next poll begins, or that the feed will say so.
func (f *Follower) plan(next time.Time, waiting bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Next, f.state.Waiting = next, waiting
}

// finished notes how a poll went, and logs when polls begin to fail and when they succeed again.
func (f *Follower) finished(ctx context.Context, start time.Time, result Result, err error) {
	if result.Saved > 0 && f.cfg.Committed != nil {
		f.cfg.Committed()
	}
	if ctx.Err() != nil {
		return // the poll was cancelled, which says nothing about the feed
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	outcome := "modified"
	switch {
	case err != nil:
		outcome = "failed"
	case result.NotModified:
		outcome = "not_modified"
	}
	metrics.GetOrCreateCounter(fmt.Sprintf("msatom_polls_total{feed=%q,outcome=%q}", f.cfg.Feed, outcome)).Inc()
	s := &f.state
	s.LastPoll, s.Took = start.UTC(), time.Since(start)
	if err != nil {
		if s.Error == "" {
			s.Since = start.UTC()
			level := slog.LevelWarn
			if f.cfg.Optional {
				level = slog.LevelInfo
			}
			slog.Log(ctx, level, "poll failed, retrying with backoff", "feed", f.cfg.Feed, "error", err)
		}
		s.Error = err.Error()
		s.Failures++
		return
	}
	slog.Debug("polled", "feed", f.cfg.Feed, "result", result.String(), "took", s.Took)
	if s.Error != "" {
		slog.Info("polls succeed again", "feed", f.cfg.Feed, "after", time.Since(s.Since).Round(time.Second))
	}
	s.Error, s.Since, s.Failures, s.Result = "", time.Time{}, 0, result
}

// maxLogged is up to how many entries are logged one by one.
const maxLogged = 10

// report logs and counts what became of entries. It is called after the commit.
func (f *Follower) report(done outcome, result *Result) {
	result.Saved += len(done.saved)
	result.Ignored += len(done.ignored) + len(done.parked)
	result.DeadLetters += len(done.dead)
	f.reportEntries(done.saved, "written", f.cfg.Record+" written")
	f.reportEntries(done.ignored, "ignored", f.cfg.Record+" already there: ignored")
	f.reportEntries(done.parked, "ignored", "entry already in the dead letters: ignored")
	f.reportEntries(done.dead, "dead", "entry moved to the dead letters")
}

func (f *Follower) reportEntries(entries []Entry, outcome, message string) {
	metrics.GetOrCreateCounter(fmt.Sprintf("msatom_poll_entries_total{feed=%q,outcome=%q}", f.cfg.Feed, outcome)).Add(len(entries))
	level := slog.LevelInfo
	if f.cfg.Optional {
		level = slog.LevelDebug
	}
	if len(entries) > maxLogged {
		slog.Log(context.Background(), level, message, f.cfg.Feed+"s", len(entries), "from", entries[0].Subject, "to", entries[len(entries)-1].Subject)
		return
	}
	for _, e := range entries {
		slog.Log(context.Background(), level, message, f.cfg.Feed, e.Subject, "event", e.Kind, "position", e.Position)
	}
}

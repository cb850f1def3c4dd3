// How this instance's polls go: noted after each, logged when they begin to fail and when they succeed again.

package poll

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// State is how this instance's polling goes.
type State struct {
	LastPoll time.Time     `json:"lastPoll,omitzero"` // when it began; zero before the first
	Took     time.Duration `json:"tookNanoseconds"`   // how long it lasted
	Result   Result        `json:"result"`            // of the last poll that succeeded
	Error    string        `json:"error,omitempty"`   // of the last poll; "" if it succeeded
	Since    time.Time     `json:"since,omitzero"`    // when Error began
	Failures int           `json:"failures"`          // polls that failed in a row
	Next     time.Time     `json:"next,omitzero"`     // when the next begins; zero while one goes on or is held
	Held     bool          `json:"held"`              // the feed holds a request, and will answer when there is news
	Head     int64         `json:"-"`                 // where the log ended
	Empty    bool          `json:"-"`                 // the feed had no entries
}

// Outcome is what the last poll came to, in words.
func (s State) Outcome() string {
	switch {
	case s.Error != "":
		return s.Error
	case s.LastPoll.IsZero():
		return "not polled yet"
	}
	return s.Result.String()
}

// pollsTotal counts the polls of a feed by outcome: modified, not_modified, failed.
func pollsTotal(feed, outcome string) *metrics.Counter {
	return metrics.GetOrCreateCounter(fmt.Sprintf("msatom_polls_total{feed=%q,outcome=%q}", feed, outcome))
}

// State is how this instance's polling goes.
func (p *Poller) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// saw notes where the feed ends.
func (p *Poller) saw(recent *document) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Head, p.state.Empty = recent.last(), len(recent.entries) == 0
}

// plan notes when the next poll begins, or that the feed is to say so.
func (p *Poller) plan(next time.Time, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Next, p.state.Held = next, held
}

// report notes how a poll went, and logs when polls begin to fail and when they succeed again.
func (p *Poller) report(ctx context.Context, start time.Time, result Result, err error) {
	if result.Written > 0 && p.cfg.Wrote != nil {
		p.cfg.Wrote()
	}
	if ctx.Err() != nil {
		return // given up, which says nothing about the feed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.state
	s.LastPoll, s.Took = start.UTC(), time.Since(start)
	if err != nil {
		pollsTotal(p.cfg.Feed, "failed").Inc()
		if s.Error == "" {
			s.Since = start.UTC()
			level := slog.LevelWarn
			if p.cfg.Quiet {
				level = slog.LevelInfo
			}
			slog.Log(ctx, level, "polling fails; trying again", "feed", p.cfg.Feed, "error", err)
		}
		s.Error = err.Error()
		s.Failures++
		return
	}
	outcome := "modified"
	if result.NotModified {
		outcome = "not_modified"
	}
	pollsTotal(p.cfg.Feed, outcome).Inc()
	slog.Debug("polled", "feed", p.cfg.Feed, "result", result.String(), "took", s.Took)
	if s.Error != "" {
		slog.Info("polling works again", "feed", p.cfg.Feed, "after", time.Since(s.Since).Round(time.Second))
	}
	s.Error, s.Since, s.Failures, s.Result = "", time.Time{}, 0, result
}

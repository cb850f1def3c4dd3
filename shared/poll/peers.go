// Which instances follow the feed: each says every 15 seconds that it is there and how its polls go, and counts the parked entries
// with it. Who was not heard of for 45 seconds is not there any more.

package poll

import (
	"context"
	"log/slog"
	"time"
)

const (
	beatEvery = 15 * time.Second
	goneAfter = 45 * time.Second
)

// Peer is an instance that follows the feed.
type Peer struct {
	Instance string     `json:"instance"`
	Seen     time.Time  `json:"seen"`               // by the database's clock
	LastPoll *time.Time `json:"lastPoll,omitempty"` // by its own
	Outcome  string     `json:"outcome"`            // of that poll, in words
	Failing  bool       `json:"failing"`
}

// beat tells the other instances, until ctx ends.
func (p *Poller) beat(ctx context.Context) {
	for pause := time.Second; ; pause = beatEvery { // the first poll has then been made
		wait(ctx, nil, pause)
		if ctx.Err() != nil {
			return
		}
		if err := p.tellPeers(ctx); err != nil {
			slog.Debug("the other instances are not told", "feed", p.cfg.Feed, "error", err)
		}
	}
}

func (p *Poller) tellPeers(ctx context.Context) error {
	s := p.State()
	var lastPoll *time.Time
	if !s.LastPoll.IsZero() {
		lastPoll = &s.LastPoll
	}
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	err := p.db.WithContext(ctx).Exec(`WITH gone AS (
			DELETE FROM poll_instance WHERE feed = ? AND instance <> ? AND seen < now() - make_interval(secs => ?)
		)
		INSERT INTO poll_instance VALUES (?, ?, now(), ?, ?, ?)
		ON CONFLICT (feed, instance) DO UPDATE SET seen = excluded.seen, last_poll = excluded.last_poll, outcome = excluded.outcome, failing = excluded.failing`,
		p.cfg.Feed, p.cfg.Instance, goneAfter.Seconds(), p.cfg.Feed, p.cfg.Instance, lastPoll, s.Outcome(), s.Error != "").Error
	if err == nil {
		err = p.recount(ctx)
	}
	return err
}

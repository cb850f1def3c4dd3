// The instances that follow the feed. Each sends a heartbeat with how its polls go; without one for 45 seconds it counts as gone.

package consumerstatus

import (
	"context"
	"log/slog"
	"time"
)

const (
	beatEvery = 15 * time.Second
	goneAfter = 3 * beatEvery
)

// Instance is an instance that follows the feed.
type Instance struct {
	Instance string     `json:"instance"`           // its name
	Seen     time.Time  `json:"seen"`               // its last heartbeat, by the database's clock
	LastPoll *time.Time `json:"lastPoll,omitempty"` // by its own clock
	Outcome  string     `json:"outcome"`            // of that poll, in words
	Failing  bool       `json:"failing"`
}

// Run sends heartbeats until ctx ends.
func (c *Consumer) Run(ctx context.Context) {
	for pause := time.Second; ; pause = beatEvery { // by the first heartbeat, the first poll is done
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if err := c.beat(ctx); err != nil {
			slog.Debug("heartbeat failed", "feed", c.follower.Config().Feed, "error", err)
		}
	}
}

// beat renews this instance's row, removes those of instances that have gone, and counts the dead letters.
func (c *Consumer) beat(ctx context.Context) error {
	cfg, s := c.follower.Config(), c.follower.State()
	var lastPoll *time.Time
	if !s.LastPoll.IsZero() {
		lastPoll = &s.LastPoll
	}
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	err := c.db.WithContext(ctx).Exec(`WITH gone AS (
			DELETE FROM follow_instance WHERE feed = ? AND instance <> ? AND seen < now() - make_interval(secs => ?)
		)
		INSERT INTO follow_instance (feed, instance, seen, last_poll, outcome, failing) VALUES (?, ?, now(), ?, ?, ?)
		ON CONFLICT (feed, instance) DO UPDATE SET seen = excluded.seen, last_poll = excluded.last_poll, outcome = excluded.outcome, failing = excluded.failing`,
		cfg.Feed, cfg.Instance, goneAfter.Seconds(), cfg.Feed, cfg.Instance, lastPoll, s.Outcome(), s.Error != "").Error
	if err == nil {
		_, err = c.letters.Count(ctx)
	}
	return err
}

func (c *Consumer) instances(ctx context.Context) (list []Instance, err error) {
	list = []Instance{}
	err = c.db.WithContext(ctx).Raw(`SELECT instance, seen, last_poll, outcome, failing FROM follow_instance
		WHERE feed = ? AND seen > now() - make_interval(secs => ?) ORDER BY instance`, c.follower.Config().Feed, goneAfter.Seconds()).Scan(&list).Error
	return list, err
}

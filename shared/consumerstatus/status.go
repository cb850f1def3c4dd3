// Package consumerstatus shows how a consumer is: where it stands in the log, how its polls go, which instances follow the feed,
// its dead letters, and how its records compare with the log. It serves that as pages and JSON.
//
// What belongs here: Status, the heartbeat of the instances, the pages. What does not: following the feed (package follow),
// retrying dead letters (deadletter), comparing records (reconcile).
package consumerstatus

import (
	"context"
	"embed"
	"fmt"

	"gorm.io/gorm"

	"msatom/shared/deadletter"
	"msatom/shared/follow"
	"msatom/shared/postgres"
	"msatom/shared/reconcile"
)

//go:embed migrations/*.sql
var schema embed.FS

// Pages are the templates of this package, for page.New.
//
//go:embed pages/*.html
var Pages embed.FS

// Migration creates the table of instances in a service's schema.
func Migration() postgres.Migration { return postgres.Files("consumerstatus", schema) }

// Consumer is what is shown: a follower with its reconciler. Make it with New.
type Consumer struct {
	service    string
	db         *gorm.DB
	follower   *follow.Follower
	letters    *deadletter.Box
	reconciler *reconcile.Reconciler
}

// New returns the consumer of a service.
func New(service string, db *gorm.DB, follower *follow.Follower, reconciler *reconcile.Reconciler) *Consumer {
	return &Consumer{service: service, db: db, follower: follower, letters: follower.DeadLetters(), reconciler: reconciler}
}

// Status is the state of a consumer, as one of its instances sees it.
type Status struct {
	Address  string `json:"address"`  // where the feed is read
	Schedule string `json:"schedule"` // when it is polled
	Instance string `json:"instance"` // the one that answers

	follow.Cursor
	Head int64 `json:"head"` // where the log ended when this instance last saw it
	Lag  int64 `json:"lag"`  // consumer lag: entries still to be processed

	Why         string       `json:"why"` // what is going on, in a sentence
	Polls       follow.State `json:"polls"`
	DeadLetters int64        `json:"deadLetters"`
	Instances   []Instance   `json:"instances"` // all that follow the feed, including this one
}

// Status reads the state of the consumer.
func (c *Consumer) Status(ctx context.Context) (s Status, err error) {
	cfg := c.follower.Config()
	s = Status{Address: cfg.FeedURL, Schedule: cfg.Schedule, Instance: cfg.Instance, Polls: c.follower.State()}
	if s.Cursor, err = c.follower.Cursor(ctx); err != nil {
		return s, err
	}
	if s.DeadLetters, err = c.letters.Count(ctx); err != nil {
		return s, err
	}
	s.Instances, err = c.instances(ctx)
	s.Head = max(s.Polls.Head, s.Position)
	s.Lag = s.Head - s.Position
	s.Why = s.why()
	return s, err
}

// why says in a sentence why nothing more has arrived. It is true whatever the schedule is.
func (s Status) why() string {
	switch {
	case s.Polls.Error != "":
		return fmt.Sprintf("Polls of %s have failed since %s. Last error: %s. The service retries with backoff.", s.Address, s.Polls.Since.Format("15:04:05 UTC"), s.Polls.Error)
	case s.Polls.LastPoll.IsZero():
		return s.Instance + " has not polled yet."
	case s.Polls.Empty && s.Head == 0:
		return "The feed is empty: nothing has been published yet."
	case s.Lag == 1:
		return "Consumer lag: 1 entry is still to be processed."
	case s.Lag > 0:
		return fmt.Sprintf("Consumer lag: %d entries are still to be processed.", s.Lag)
	case s.DeadLetters == 1:
		return "All entries that the last poll found were read, but 1 could not be processed: see the dead letters."
	case s.DeadLetters > 0:
		return fmt.Sprintf("All entries that the last poll found were read, but %d could not be processed: see the dead letters.", s.DeadLetters)
	}
	return "All entries that the last poll found have been processed."
}

// Detail is what /readyz adds: the number of dead letters, counted at most 15 seconds ago.
func (c *Consumer) Detail() map[string]any {
	return map[string]any{"deadLetters": c.letters.LastCount()}
}

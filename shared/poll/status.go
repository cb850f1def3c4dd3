// How a consumer is: where it stands in the log, how its polls go, who else follows the feed, and, in a sentence, why nothing
// more arrives than has.

package poll

import (
	"context"
	"fmt"
	"time"
)

// Status is the state of a consumer, as one of its instances sees it.
type Status struct {
	Feed     string `json:"feed"`     // its name
	Address  string `json:"address"`  // where it is read
	Schedule string `json:"schedule"` // when it is read
	Instance string `json:"instance"` // that tells this

	Epoch    string     `json:"epoch"`             // the log that is followed; "" before the first document
	Position int64      `json:"position"`          // processed up to here, by whichever instance; 0 in a feed without positions
	MovedBy  string     `json:"movedBy,omitempty"` // the instance that processed last
	MovedAt  *time.Time `json:"movedAt,omitempty"` // and when
	Head     int64      `json:"head"`              // where the log ended when this instance last saw it
	Behind   int64      `json:"behind"`            // entries still to be processed
	Restart  *time.Time `json:"restart,omitempty"` // when the log was begun again from its start
	Because  string     `json:"because,omitempty"` // and why

	Why    string `json:"why"` // nothing more arrives, or what is going on
	Polls  State  `json:"polls"`
	Parked int64  `json:"parked"`
	Peers  []Peer `json:"peers"` // all instances that follow the feed, this one among them
}

// Status reads how the consumer is.
func (p *Poller) Status(ctx context.Context) (s Status, err error) {
	s = Status{Feed: p.cfg.Feed, Address: p.cfg.FeedURL, Schedule: p.cfg.Schedule, Instance: p.cfg.Instance, Polls: p.State(), Peers: []Peer{}}
	db := p.db.WithContext(ctx)
	var at cursor
	if err := db.Where("feed = ?", p.cfg.Feed).Limit(1).Find(&at).Error; err != nil {
		return s, err
	}
	if err := p.recount(ctx); err != nil {
		return s, err
	}
	err = db.Raw("SELECT * FROM poll_instance WHERE feed = ? AND seen > now() - make_interval(secs => ?) ORDER BY instance", p.cfg.Feed, goneAfter.Seconds()).Scan(&s.Peers).Error
	s.Epoch, s.Position, s.MovedBy, s.MovedAt, s.Parked = at.Epoch, at.Position, at.MovedBy, at.MovedAt, p.parked.Load()
	s.Restart, s.Because = at.RestartedAt, at.RestartedBecause
	s.Head = max(s.Polls.Head, s.Position)
	s.Behind = s.Head - s.Position
	s.Why = s.why()
	return s, err
}

func (s Status) why() string {
	switch {
	case s.Polls.Error != "":
		return fmt.Sprintf("The feed at %s cannot be read since %s: %s", s.Address, s.Polls.Since.Format("15:04:05"), s.Polls.Error)
	case s.Polls.LastPoll.IsZero():
		return "This instance has not polled yet."
	case s.Polls.Empty && s.Head == 0:
		return "The feed is empty: nothing has been published yet."
	case s.Behind > 0:
		return fmt.Sprintf("%d entries of the feed are still to be processed.", s.Behind)
	case s.Parked > 0:
		return fmt.Sprintf("All entries of the feed were read, but %d could not be processed: see the parked entries.", s.Parked)
	}
	return "All that is in the feed has been processed."
}

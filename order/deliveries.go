// Which consumers have processed an order: its latest entry in the feed, beside what each consumer
// has acknowledged.
package main

import (
	"context"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// Delivery is the state of an order's latest entry at one consumer.
type Delivery struct {
	Consumer     string     `json:"consumer"`
	Published    time.Time  `json:"published"`
	Acknowledged *time.Time `json:"acknowledged"`       // when order read the acknowledgement; nil if there is none
	Instance     string     `json:"instance,omitempty"` // instance of the consumer that processed the entry
	Record       string     `json:"record,omitempty"`   // path of the consumer's record, perhaps still of an earlier entry
}

// Took returns the time from publication to acknowledgement. There must be one.
func (d Delivery) Took() time.Duration { return d.Acknowledged.Sub(d.Published) }

// Deliveries reads what the followed consumers have acknowledged.
type Deliveries struct {
	db        *gorm.DB
	followers []follower
}

// Of returns the deliveries of an order, one for each followed consumer; none before the order is
// published.
func (s *Deliveries) Of(ctx context.Context, order int64) (list []Delivery, err error) {
	if len(s.followers) == 0 {
		return nil, nil
	}
	err = s.db.WithContext(ctx).Raw(`
		SELECT latest.published, followed.consumer, coalesce(a.record, '') AS record,
		       CASE WHEN a.position >= latest.position THEN a.seen END AS acknowledged,
		       CASE WHEN a.position >= latest.position THEN a.instance ELSE '' END AS instance
		FROM (SELECT p.position, coalesce(p.published, p.updated) AS published
		      FROM outbox_event e JOIN outbox_position p ON p.event_id = e.id
		      WHERE e.subject = ? ORDER BY e.id DESC LIMIT 1) AS latest
		CROSS JOIN unnest(?::text[]) WITH ORDINALITY AS followed (consumer, place)
		LEFT JOIN acknowledgement a ON a.consumer = followed.consumer AND a.order_id = ?
		ORDER BY place`, order, postgres.Array(s.consumers()), order).Scan(&list).Error
	return list, err
}

// consumers returns the names of the followed consumers.
func (s *Deliveries) consumers() (names []string) {
	for _, f := range s.followers {
		names = append(names, f.consumer)
	}
	return names
}

// Delivered is an order with its deliveries, as a client reads it. Snapshots in the feed have no
// deliveries: an event does not change.
type Delivered struct {
	Order
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// acknowledged returns the number of consumers that have processed the order.
func (d Delivered) acknowledged() (n int) {
	for _, one := range d.Deliveries {
		if one.Acknowledged != nil {
			n++
		}
	}
	return n
}

// IsPending reports whether an acknowledgement is missing.
func (d Delivered) IsPending() bool { return d.acknowledged() < len(d.Deliveries) }

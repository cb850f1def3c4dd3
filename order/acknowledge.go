// What the consumers have done with the orders. Each consumer publishes an acknowledgement feed, whose entries reply to those of the
// orders' feed (Reliable Data Distribution and Consistent Data Replication over Atom). Order follows these feeds with the same
// follower with which its consumers follow it (shared/follow/follow.go), and keeps per order the latest entry that each consumer has
// acknowledged. From that, deliveries.go tells what has arrived and what has not.
//
// Orders are taken and published without any of this: consumers come and go.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/follow"
	"msatom/shared/postgres"
	"msatom/shared/service"
)

// follower follows the acknowledgement feed of one consumer.
type follower struct {
	consumer string
	feed     string // its address
	*follow.Follower
}

var consumerName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func newFollowers(s *service.Service, published *feed.About, c config) (followers []follower, err error) {
	for _, f := range c.Feeds {
		name, address, _ := strings.Cut(strings.TrimSpace(f), "=")
		if !consumerName.MatchString(name) {
			return nil, fmt.Errorf("ACK_FEEDS: %q is not name=address", f)
		}
		one, err := follow.New(s.DB.DB, follow.Config{
			FeedURL: address, Format: c.Format, Schedule: c.Schedule, Wait: c.Wait, MaxBytes: 2 << 20,
			Names: follow.Names{FeedURL: "ACK_FEEDS of " + name, Format: "FEED_FORMAT", Schedule: "ACK_SCHEDULE", Wait: "ACK_WAIT"},
			Feed:  name, Record: "acknowledgement", Instance: s.Instance, Now: s.Now, Optional: true, Save: saveAcks(published, name),
		})
		if err != nil {
			return nil, err
		}
		followers = append(followers, follower{name, address, one})
	}
	return followers, nil
}

// saveAcks returns the function that saves a consumer's acknowledgements. Entries that reply to nothing of ours are left out. An
// acknowledgement of another log does not count, nor one of an entry that our log does not have because our database was restored.
func saveAcks(published *feed.About, consumer string) func(tx *gorm.DB, entries []follow.Entry) ([]int64, error) {
	return func(tx *gorm.DB, entries []follow.Entry) (orders []int64, err error) {
		var acks postgres.Rows
		for _, e := range entries {
			epoch, position, ok := published.ParseEntryID(e.ReplyTo)
			if !ok {
				continue
			}
			var record struct{ Instance string } // of the consumer
			_ = json.Unmarshal(e.Content, &record)
			if len(record.Instance) > maxInstance {
				record.Instance = ""
			}
			acks.Add(epoch, position, record.Instance, recordPath(e.Src))
		}
		if acks.Len() == 0 {
			return nil, nil
		}
		var last int64
		if err := tx.Raw(lockDelivery, consumer).Scan(&last).Error; err != nil {
			return nil, err
		}
		var news []struct{ OrderID, Position int64 }
		if err := tx.Raw(upsertAcks, append([]any{consumer}, acks.Columns()...)...).Scan(&news).Error; err != nil || len(news) == 0 {
			return nil, err
		}
		top := last
		for _, n := range news {
			orders, top = append(orders, n.OrderID), max(top, n.Position)
		}
		if err := tx.Exec(closeHoles, consumer, postgres.Array(orders)).Error; err != nil {
			return nil, err
		}
		return orders, tx.Exec(moveOn, top, consumer, consumer, last, top, consumer).Error
	}
}

const maxInstance = 100 // bytes of an instance's name; a longer one is not shown

// recordPath returns the path of a consumer's record, which is the same inside and outside. Pages link to it, so it is "" if it could lead to
// another site: a browser takes //example.org, and /\\example.org, for the address of a host.
func recordPath(address string) string {
	u, err := url.Parse(address)
	if err != nil || len(u.Path) > 200 || len(u.Path) > 1 && strings.ContainsAny(u.Path[1:2], `/\`) {
		return ""
	}
	return u.Path
}

// lockDelivery returns the last position that a consumer has acknowledged, 0 for a new consumer.
const lockDelivery = "INSERT INTO delivery (consumer, last) VALUES (?, 0) ON CONFLICT (consumer) DO UPDATE SET last = delivery.last RETURNING last"

// upsertAcks returns what was not acknowledged before. The order is the one that our own log has at the position. Of several
// acknowledgements of an order, the one with the highest position is kept.
const upsertAcks = `
	INSERT INTO acknowledgement AS old (consumer, order_id, position, seen, took, instance, record)
	SELECT DISTINCT ON (e.subject) ?::text, e.subject, p.position, now.clock, extract(epoch FROM now.clock - p.published), a.instance, a.record
	FROM unnest(?::text[], ?::bigint[], ?::text[], ?::text[]) AS a(epoch, position, instance, record)
	JOIN outbox_log l ON l.epoch::text = a.epoch
	JOIN outbox_position p ON p.position = a.position
	JOIN outbox_event e ON e.id = p.event_id,
	     (SELECT clock_timestamp()) AS now(clock)
	ORDER BY e.subject, p.position DESC
	ON CONFLICT (consumer, order_id) DO UPDATE SET
	       position = excluded.position, seen = excluded.seen, took = excluded.took, instance = excluded.instance, record = excluded.record
	WHERE old.position < excluded.position
	RETURNING order_id, position`

const closeHoles = `
	DELETE FROM delivery_hole h USING acknowledgement a
	WHERE h.consumer = ? AND h.order_id = ANY (?) AND a.consumer = h.consumer AND a.order_id = h.order_id AND a.position >= h.position`

// moveOn sets the last position to a later one. Entries between the two without an acknowledgement are holes.
const moveOn = `
	WITH moved AS (UPDATE delivery SET last = ? WHERE consumer = ?)
	INSERT INTO delivery_hole (consumer, position, order_id)
	SELECT ?, p.position, e.subject
	FROM outbox_position p JOIN outbox_event e ON e.id = p.event_id
	WHERE p.position > ? AND p.position < ?
	  AND NOT EXISTS (SELECT FROM acknowledgement a WHERE a.consumer = ? AND a.order_id = e.subject AND a.position >= p.position)`

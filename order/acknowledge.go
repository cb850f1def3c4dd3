// What the consumers have done with the orders. Each publishes an acknowledgement feed, whose entries answer those of the orders'
// feed (Reliable Data Distribution over Atom); order follows these by the same poller with which its consumers follow it.
// Nothing here is needed for orders to be taken and published: consumers come and go.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/poll"
	"msatom/shared/service"
)

// config is what order reads from its environment.
type config struct {
	Feeds          []string      `env:"ACK_FEEDS"`                            // acknowledgement feeds: name=address,name=address
	Wait           time.Duration `env:"ACK_WAIT" envDefault:"25s"`            // how long these may hold a poll until there is news; 0 for not at all
	Schedule       string        `env:"ACK_SCHEDULE" envDefault:"@every 30s"` // when they are polled without waiting
	RepublishAfter time.Duration `env:"REPUBLISH_AFTER" envDefault:"0s"`      // an order that a consumer has passed over is published again after this; 0: never
}

// follower follows the acknowledgement feed of one consumer.
type follower struct {
	consumer string
	feed     string // its address
	*poll.Poller
}

var consumerName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func newFollowers(s *service.Service, log *feed.Log, c config) (followers []follower, err error) {
	for _, f := range c.Feeds {
		name, address, _ := strings.Cut(strings.TrimSpace(f), "=")
		if !consumerName.MatchString(name) {
			return nil, fmt.Errorf("ACK_FEEDS: %q is not name=address", f)
		}
		source := poll.Source{FeedURL: address, Schedule: c.Schedule, Wait: c.Wait}
		poller, err := poll.New(s.DB.DB, poll.Config{Source: source, Feed: name, Record: "acknowledgement", Instance: s.Instance, Now: s.Now, Quiet: true}, acknowledge(log, name))
		if err != nil {
			return nil, fmt.Errorf("ACK_FEEDS of %s: %w", name, err)
		}
		followers = append(followers, follower{name, address, poller})
	}
	return followers, nil
}

// ack is an entry of an acknowledgement feed: which entry of ours it acks.
type ack struct {
	Epoch    string `json:"epoch"`
	Position int64  `json:"position"`
	Instance string `json:"instance"`
	Record   string `json:"record"`
	subject  int64
}

// acknowledge notes what a consumer has acknowledged. What answers an entry of another log, or one that is not there (our
// database was restored), does not count.
func acknowledge(log *feed.Log, consumer string) poll.Handler {
	return func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		var acks []ack
		for _, e := range entries {
			epoch, position, ok := log.PlaceOf(e.ReplyTo)
			if !ok {
				continue
			}
			a := ack{Epoch: epoch, Position: position, subject: e.Subject}
			var record struct{ Instance string }
			if json.Unmarshal(e.Content, &record) == nil {
				a.Instance = record.Instance
			}
			if u, err := url.Parse(e.Src); err == nil {
				a.Record = u.Path // the same outside and inside
			}
			acks = append(acks, a)
		}
		batch, err := json.Marshal(acks)
		if err != nil || len(acks) == 0 {
			return nil, err
		}
		tx = tx.WithContext(ctx)
		var last int64
		if err := tx.Raw(lockDelivery, consumer).Scan(&last).Error; err != nil {
			return nil, err
		}
		var news []struct{ OrderID, Position int64 }
		if err := tx.Raw(noteAcks, consumer, string(batch)).Scan(&news).Error; err != nil || len(news) == 0 {
			return nil, err
		}
		orders := map[int64]int64{}
		var ids []int64
		top := last
		for _, n := range news {
			orders[n.Position] = n.OrderID
			ids, top = append(ids, n.OrderID), max(top, n.Position)
		}
		for _, a := range acks {
			if orders[a.Position] != 0 {
				written = append(written, a.subject)
			}
		}
		if err := tx.Exec(closeHoles, consumer, ids).Error; err != nil {
			return nil, err
		}
		return written, tx.Exec(moveOn, top, consumer, consumer, last, top, consumer).Error
	}
}

// lockDelivery returns the last position that a consumer has acknowledged; 0 for a new one.
const lockDelivery = "INSERT INTO delivery VALUES (?, 0) ON CONFLICT (consumer) DO UPDATE SET last = delivery.last RETURNING last"

// noteAcks returns what was not acknowledged before. The order is the one that our own log has at the position; of
// several acks about it the latest counts.
const noteAcks = `
	INSERT INTO acknowledgement AS old
	SELECT DISTINCT ON (e.subject) ?::text, e.subject, p.position, now.clock, extract(epoch FROM now.clock - p.published), a.instance, a.record
	FROM json_to_recordset(?) AS a(epoch text, position bigint, instance text, record text)
	JOIN feed_log l ON l.epoch::text = a.epoch
	JOIN feed_position p ON p.position = a.position
	JOIN feed_event e ON e.id = p.event_id,
	     (SELECT clock_timestamp()) AS now(clock)
	ORDER BY e.subject, p.position DESC
	ON CONFLICT (consumer, order_id) DO UPDATE SET
	       position = excluded.position, seen = excluded.seen, took = excluded.took, instance = excluded.instance, record = excluded.record
	WHERE old.position < excluded.position
	RETURNING order_id, position`

const closeHoles = `
	DELETE FROM delivery_hole h USING acknowledgement a
	WHERE h.consumer = ? AND h.order_id IN ? AND a.consumer = h.consumer AND a.order_id = h.order_id AND a.position >= h.position`

// moveOn sets the last position to a later one; what was passed over without an acknowledgement is a hole.
const moveOn = `
	WITH moved AS (UPDATE delivery SET last = ? WHERE consumer = ?)
	INSERT INTO delivery_hole
	SELECT ?, p.position, e.subject
	FROM feed_position p JOIN feed_event e ON e.id = p.event_id
	WHERE p.position > ? AND p.position < ?
	  AND NOT EXISTS (SELECT FROM acknowledgement a WHERE a.consumer = ? AND a.order_id = e.subject AND a.position >= p.position)`

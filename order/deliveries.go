// Whether the orders have arrived: of one order at each consumer, and of all how far each consumer is and how long it takes.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"msatom/shared/poll"
)

// Delivery is how an order's latest entry fares at one consumer.
type Delivery struct {
	Consumer     string     `json:"consumer"`
	Published    time.Time  `json:"published"`
	Acknowledged *time.Time `json:"acknowledged"`       // when its acknowledgement was seen; nil: it is missing
	Instance     string     `json:"instance,omitempty"` // of the consumer, that wrote the record
	Record       string     `json:"record,omitempty"`   // address of what it has made of the order, perhaps of an earlier entry
}

// Took is the time from publishing to acknowledgement.
func (d Delivery) Took() time.Duration { return d.Acknowledged.Sub(d.Published) }

// Deliveries is what is known of all deliveries.
type Deliveries struct {
	db        *gorm.DB
	followers []follower
}

// Of lists the deliveries of an order, one for each consumer that is followed. There are none before the order is published.
func (s *Deliveries) Of(ctx context.Context, order int64) (list []Delivery, err error) {
	if len(s.followers) == 0 {
		return nil, nil
	}
	var rows []struct {
		Consumer         *string
		Position, Latest int64
		Published        time.Time
		Seen             time.Time
		Instance, Record string
	}
	err = s.db.WithContext(ctx).Raw(`
		SELECT latest.position AS latest, latest.published, a.*
		FROM (SELECT p.position, coalesce(p.published, p.updated) AS published
		      FROM feed_event e JOIN feed_position p ON p.event_id = e.id
		      WHERE e.subject = ? ORDER BY e.id DESC LIMIT 1) latest
		LEFT JOIN acknowledgement a ON a.order_id = ? AND a.consumer IN ?`, order, order, s.consumers()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	for _, f := range s.followers {
		d := Delivery{Consumer: f.consumer, Published: rows[0].Published.UTC()}
		for _, r := range rows {
			if r.Consumer == nil || *r.Consumer != f.consumer {
				continue
			}
			d.Record = r.Record
			if r.Position >= r.Latest {
				seen := r.Seen.UTC()
				d.Acknowledged, d.Instance = &seen, r.Instance
			}
		}
		list = append(list, d)
	}
	return list, nil
}

func (s *Deliveries) consumers() (names []string) {
	for _, f := range s.followers {
		names = append(names, f.consumer)
	}
	return names
}

// Delivered is an order as it is read, with its deliveries. In the events there are none: those are of one moment.
type Delivered struct {
	Order
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// ETag is a strong validator of the JSON: the order's own, and how it is delivered.
func (d Delivered) ETag() string {
	if len(d.Deliveries) == 0 {
		return d.Order.ETag()
	}
	h := fnv.New32a()
	_ = json.NewEncoder(h).Encode(d.Deliveries)
	return fmt.Sprintf(`"%s-%08x"`, d.Order.tag(), h.Sum32())
}

// Missing says whether a consumer has not acknowledged the order.
func (d Delivered) Missing() bool {
	for _, one := range d.Deliveries {
		if one.Acknowledged == nil {
			return true
		}
	}
	return false
}

// Report is the state of all deliveries.
type Report struct {
	Epoch     string           `json:"epoch"`
	Head      int64            `json:"head"` // the last position of the feed
	Consumers []ConsumerReport `json:"consumers"`
	Oldest    []OpenOrder      `json:"oldestOpen"` // at most 20
}

// ConsumerReport is how far one consumer is.
type ConsumerReport struct {
	Consumer string     `json:"consumer"`
	Feed     string     `json:"feed"`  // address of its acknowledgement feed
	Poll     poll.State `json:"poll"`  // how this instance reads it
	Last     int64      `json:"last"`  // the last position that it has acknowledged
	Open     int64      `json:"open"`  // entries that it has not
	Holes    int64      `json:"holes"` // of these, those before the last; counted up to 10,000
	Times    Times      `json:"completion"`
}

// OpenOrder is an order that a consumer has not acknowledged.
type OpenOrder struct {
	Order     int64     `json:"order"`
	Position  int64     `json:"position"` // of its oldest open entry
	Published time.Time `json:"published"`
	Missing   []string  `json:"missing"` // at these consumers
}

// Bounds of a report, so that it costs the same with a million orders as with a hundred.
const (
	holesCounted  = 10_000
	timesMeasured = 10_000
	oldestListed  = 20
)

// Report reads how far the consumers are.
func (s *Deliveries) Report(ctx context.Context) (r Report, err error) {
	db := s.db.WithContext(ctx)
	if err := db.Raw("SELECT epoch, coalesce((SELECT max(position) FROM feed_position), 0) AS head FROM feed_log").Row().Scan(&r.Epoch, &r.Head); err != nil {
		return r, err
	}
	r.Consumers = []ConsumerReport{}
	for _, f := range s.followers {
		var far struct{ Last, Holes int64 }
		err := db.Raw(`SELECT coalesce((SELECT last FROM delivery WHERE consumer = ?), 0) AS last,
			(SELECT count(*) FROM (SELECT FROM delivery_hole WHERE consumer = ? LIMIT ?) AS hole) AS holes`, f.consumer, f.consumer, holesCounted).Scan(&far).Error
		if err != nil {
			return r, err
		}
		r.Head = max(r.Head, far.Last)
		c := ConsumerReport{Consumer: f.consumer, Feed: f.feed, Poll: f.State(), Last: far.Last, Open: r.Head - far.Last + far.Holes, Holes: far.Holes}
		if c.Times, err = times(db, f.consumer); err != nil {
			return r, err
		}
		r.Consumers = append(r.Consumers, c)
	}
	r.Oldest, err = s.oldest(db)
	return r, err
}

// oldest lists the orders with the oldest open entries: first come the holes, then what follows each consumer's last position.
func (s *Deliveries) oldest(db *gorm.DB) (list []OpenOrder, err error) {
	list = []OpenOrder{}
	if len(s.followers) == 0 {
		return list, nil
	}
	var rows []struct {
		Position  int64
		Subject   int64
		Published time.Time
		Consumer  string
	}
	err = db.Raw(`
		SELECT open.position, e.subject, coalesce(p.published, p.updated) AS published, c.consumer
		FROM (SELECT name AS consumer, coalesce(last, 0) AS last
		      FROM unnest(string_to_array(?, ',')) AS name LEFT JOIN delivery ON consumer = name) c,
		LATERAL ((SELECT h.position FROM delivery_hole h WHERE h.consumer = c.consumer ORDER BY h.position LIMIT ?)
		         UNION ALL
		         (SELECT p.position FROM feed_position p WHERE p.position > c.last ORDER BY p.position LIMIT ?)) open
		JOIN feed_position p ON p.position = open.position JOIN feed_event e ON e.id = p.event_id
		ORDER BY open.position, c.consumer`, strings.Join(s.consumers(), ","), oldestListed, oldestListed).Scan(&rows).Error
	at := map[int64]int{}
	for _, row := range rows {
		i, known := at[row.Subject]
		if !known {
			if len(list) == oldestListed {
				continue
			}
			i = len(list)
			at[row.Subject] = i
			list = append(list, OpenOrder{Order: row.Subject, Position: row.Position, Published: row.Published.UTC()})
		}
		if o := &list[i]; !slices.Contains(o.Missing, row.Consumer) {
			o.Missing = append(o.Missing, row.Consumer)
		}
	}
	return list, err
}

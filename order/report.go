// The report on all deliveries: how far each consumer is, how long acknowledgements take, and which orders wait longest. Its cost does
// not grow with the number of orders.
package main

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"msatom/shared/follow"
	"msatom/shared/postgres"
)

// Report is the state of all deliveries.
type Report struct {
	Epoch     string           `json:"epoch"`
	Head      int64            `json:"head"` // the last position of the feed
	Consumers []ConsumerReport `json:"consumers"`
	Oldest    []OpenOrder      `json:"oldestOpen"` // at most 20
}

// ConsumerReport is how far one consumer is.
type ConsumerReport struct {
	Consumer string       `json:"consumer"`
	Feed     string       `json:"feed"`  // address of its acknowledgement feed
	Poll     follow.State `json:"poll"`  // how this instance reads that feed
	Last     int64        `json:"last"`  // the last position that it has acknowledged
	Open     int64        `json:"open"`  // entries that it has not acknowledged
	Holes    int64        `json:"holes"` // those of them before Last; counted up to 10,000
	Times    Times        `json:"completion"`
}

// OpenOrder is an order that a consumer has not acknowledged.
type OpenOrder struct {
	Order     int64     `json:"order"`
	Position  int64     `json:"position"` // of its oldest open entry
	Published time.Time `json:"published"`
	Missing   []string  `json:"missing"` // consumers that have not acknowledged it
}

// Bounds of a report.
const (
	maxHolesCounted  = 10_000
	maxTimesMeasured = 10_000
	maxOldest        = 20
)

// Report reads the state of all deliveries.
func (s *Deliveries) Report(ctx context.Context) (r Report, err error) {
	db := s.db.WithContext(ctx)
	if err := db.Raw("SELECT epoch, coalesce((SELECT max(position) FROM outbox_position), 0) FROM outbox_log").Row().Scan(&r.Epoch, &r.Head); err != nil {
		return r, err
	}
	r.Consumers = []ConsumerReport{}
	for _, f := range s.followers {
		c := ConsumerReport{Consumer: f.consumer, Feed: f.feed, Poll: f.State()}
		err := db.Raw(`SELECT coalesce((SELECT last FROM delivery WHERE consumer = ?), 0),
			(SELECT count(*) FROM (SELECT FROM delivery_hole WHERE consumer = ? LIMIT ?) AS hole)`,
			f.consumer, f.consumer, maxHolesCounted).Row().Scan(&c.Last, &c.Holes)
		if err != nil {
			return r, err
		}
		r.Head = max(r.Head, c.Last)
		c.Open = r.Head - c.Last + c.Holes
		if c.Times, err = readTimes(db, f.consumer); err != nil {
			return r, err
		}
		r.Consumers = append(r.Consumers, c)
	}
	r.Oldest, err = s.oldest(db)
	return r, err
}

// oldest returns the orders with the oldest open entries. For each consumer these are its holes, then what follows its last position.
func (s *Deliveries) oldest(db *gorm.DB) (list []OpenOrder, err error) {
	var rows []struct {
		Position  int64
		Subject   int64
		Published time.Time
		Consumer  string
	}
	err = db.Raw(`
		SELECT open.position, e.subject, coalesce(p.published, p.updated) AS published, c.consumer
		FROM (SELECT consumer, coalesce(last, 0) AS last
		      FROM unnest(?::text[]) AS followed (consumer) LEFT JOIN delivery USING (consumer)) c,
		LATERAL ((SELECT h.position FROM delivery_hole h WHERE h.consumer = c.consumer ORDER BY h.position LIMIT ?)
		         UNION ALL
		         (SELECT p.position FROM outbox_position p WHERE p.position > c.last ORDER BY p.position LIMIT ?)) open
		JOIN outbox_position p ON p.position = open.position JOIN outbox_event e ON e.id = p.event_id
		ORDER BY open.position, c.consumer`, postgres.Array(s.consumers()), maxOldest, maxOldest).Scan(&rows).Error
	list = []OpenOrder{}
	index := map[int64]int{} // in list, by order
	for _, row := range rows {
		i, known := index[row.Subject]
		if !known {
			if len(list) == maxOldest {
				continue
			}
			i = len(list)
			index[row.Subject] = i
			list = append(list, OpenOrder{Order: row.Subject, Position: row.Position, Published: row.Published})
		}
		if o := &list[i]; !slices.Contains(o.Missing, row.Consumer) {
			o.Missing = append(o.Missing, row.Consumer)
		}
	}
	return list, err
}

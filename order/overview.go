// What the front page shows of order: the number of orders, the length of the feed, and how far its
// consumers are.
package main

import (
	"context"
	"sync"
	"time"

	"msatom/shared/feed"
)

// Overview is the state of the system as order knows it.
type Overview struct {
	Report
	Orders        int64
	IsApproximate bool // too many orders to count: Orders is the id of the newest
	Documents     int64
	Instance      string
}

// IsDelivered reports whether every consumer has acknowledged every entry.
func (o Overview) IsDelivered() bool {
	for _, c := range o.Consumers {
		if c.Open > 0 {
			return false
		}
	}
	return true
}

// overviewCache reads an Overview at most once a second, however many readers ask for it.
type overviewCache struct {
	deliveries *Deliveries
	instance   string

	mu   sync.Mutex
	last Overview
	read time.Time
}

const (
	overviewMaxAge   = time.Second
	maxOrdersCounted = 10_000
)

// get returns the cached overview, or reads it again when it is too old. Readers that wait for it
// meanwhile have their own timeouts: those that have expired fail at their first statement.
func (c *overviewCache) get(ctx context.Context) (o Overview, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) < overviewMaxAge {
		return c.last, nil
	}
	o.Instance = c.instance
	if o.Report, err = c.deliveries.Report(ctx); err != nil {
		return o, err
	}
	o.Documents = (o.Head + feed.DocumentSize - 1) / feed.DocumentSize
	var newest int64
	err = c.deliveries.db.WithContext(ctx).Raw("SELECT count(*), coalesce((SELECT max(id) FROM orders), 0) FROM (SELECT FROM orders LIMIT ?) AS part",
		maxOrdersCounted+1).Row().Scan(&o.Orders, &newest)
	if err != nil {
		return o, err
	}
	if o.IsApproximate = o.Orders > maxOrdersCounted; o.IsApproximate {
		o.Orders = newest
	}
	c.last, c.read = o, time.Now()
	return o, nil
}

// What the front page shows of the orders: how many there are, how far their feed and its consumers are. It is read at most
// once a second, however many look at it.
package main

import (
	"context"
	"time"

	"gorm.io/gorm"

	"msatom/shared/feed"
)

// Overview is the state of the whole, as order knows it.
type Overview struct {
	Report
	Orders    int64
	About     bool // there are too many to be counted: Orders is the newest one's id
	Documents int64
	Instance  string
}

// Arrived says whether every consumer has acknowledged every entry.
func (o Overview) Arrived() bool {
	for _, c := range o.Consumers {
		if c.Open > 0 {
			return false
		}
	}
	return true
}

// overview keeps the last one.
type overview struct {
	db         *gorm.DB
	deliveries *Deliveries
	instance   string

	turn chan struct{} // held while it is read
	last Overview
	read time.Time
}

func newOverview(db *gorm.DB, deliveries *Deliveries, instance string) *overview {
	return &overview{db: db, deliveries: deliveries, instance: instance, turn: make(chan struct{}, 1)}
}

// fresh is how old an overview may be; ordersCounted, up to how many orders are counted.
const (
	fresh         = time.Second
	ordersCounted = 10_000
)

func (o *overview) get(ctx context.Context) (Overview, error) {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return Overview{}, ctx.Err()
	}
	if time.Since(o.read) < fresh {
		return o.last, nil
	}
	now := Overview{Instance: o.instance}
	var err error
	if now.Report, err = o.deliveries.Report(ctx); err != nil {
		return now, err
	}
	err = o.db.WithContext(ctx).Raw("SELECT count(*) FROM (SELECT FROM orders LIMIT ?) AS part", ordersCounted+1).Row().Scan(&now.Orders)
	if now.About = now.Orders > ordersCounted; err == nil && now.About {
		err = o.db.WithContext(ctx).Raw("SELECT max(id) FROM orders").Row().Scan(&now.Orders)
	}
	now.Documents = (now.Head + feed.DocumentSize - 1) / feed.DocumentSize
	if err == nil {
		o.last, o.read = now, time.Now()
	}
	return now, err
}

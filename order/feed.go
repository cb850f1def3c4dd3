// How an order is published, in three steps:
//
//  1. Placing, changing or cancelling an order (orders.go) writes the order and, by record below, an event with a snapshot
//     of it. Both are one transaction. The event has no position yet: it waits in the outbox.
//  2. After the commit the sequencer gives it the next position, one instance at a time: feed_sequence in
//     shared/feed/migrations/0002_sequence.sql, called by Log.Run in shared/feed/log.go.
//  3. Readers see only events with positions, in documents of 100 (shared/feed/document.go), each with the title, summary and
//     path that newLog below describes.
//
// The story goes on at the consumer's side: shared/poll/poller.go.
package main

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/page"
	"msatom/shared/postgres"
)

// What can happen to an order.
const (
	placed    = "placed"
	changed   = "changed"
	cancelled = "cancelled"
)

func newLog(db *postgres.DB, pages *page.Set) *feed.Log {
	return feed.NewLog(db, feed.About{
		Name: "order", Path: "/order/feed", Home: "/order/",
		Title: "Order", Subtitle: "List of all orders", Author: "Big Money Online Commerce Inc.", Pages: pages,
		Describe: func(e feed.Entry) (title, summary, path string) {
			title, summary = fmt.Sprintf("Order %d", e.Subject), fmt.Sprintf("This is the order %d", e.Subject)
			if e.Kind != placed {
				title += " " + e.Kind
				summary += ", " + e.Kind
			}
			return title, summary, fmt.Sprintf("/order/%d", e.Subject)
		},
	})
}

// record writes what happened to an order into the log, with the order as it is now. A cancellation withdraws the
// order's earlier entries.
func record(tx *gorm.DB, log *feed.Log, kind string, o Order) error {
	o.Updated = nil // the log sets it
	snapshot, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return log.Append(tx, feed.Event{Subject: o.ID, Kind: kind, Withdraws: kind == cancelled, Snapshot: snapshot})
}

// How an order is published, in three steps:
//
//  1. Placing, changing or cancelling an order (orders.go) saves the order and, by record below, an event with a snapshot of it, in
//     one transaction. The event has no position yet: it waits in the outbox.
//  2. After the commit the sequencer, one instance at a time, gives it the next position: outbox_sequence in shared/outbox/migrations,
//     called by Log.Run in shared/outbox/sequencer.go.
//  3. Readers see only events with positions, in documents of 100 (shared/feed/document.go), each with the title, summary and
//     path that aboutFeed below describes.
//
// The path goes on at the consumer: shared/follow/follow.go.
package main

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/outbox"
	"msatom/shared/page"
)

// aboutFeed describes the feed of orders.
func aboutFeed(pages *page.Set) feed.About {
	return feed.About{
		Name: "order", Path: "/order/feed", Home: "/order/",
		Title: "Order", Subtitle: "List of all orders", Author: "Big Money Online Commerce Inc.", Pages: pages,
		Describe: func(e outbox.Entry) (title, summary, path string) { // the words are those of the original
			title, summary = fmt.Sprintf("Order %d", e.Subject), fmt.Sprintf("This is the order %d", e.Subject)
			if e.Kind != placed {
				title += " " + e.Kind
				summary += ", " + e.Kind
			}
			return title, summary, fmt.Sprintf("/order/%d", e.Subject)
		},
	}
}

// record appends what happened to an order to the outbox, with the order as it is now. The snapshot is the order's JSON without
// updated: that is the time of the entry, which has none yet. A cancellation withdraws the order's earlier entries.
func record(tx *gorm.DB, log *outbox.Log, kind string, o Order) error {
	o.Updated = time.Time{}
	snapshot, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return log.Append(tx, outbox.Event{Subject: o.ID, Kind: kind, Withdraws: kind == cancelled, Snapshot: snapshot})
}

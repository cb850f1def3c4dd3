// How an order is published. Placing, changing or cancelling it (orders.go) calls record in the same transaction; the log
// gives the event its place among the others once that is committed (shared/feed/log.go), and writes it into the documents
// that consumers poll (shared/feed/serve.go). The story goes on at the consumer's side: shared/poll/poller.go.
package main

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/postgres"
)

// What can happen to an order.
const (
	placed    = "placed"
	changed   = "changed"
	cancelled = "cancelled"
)

func newLog(db *postgres.DB) *feed.Log {
	return feed.NewLog(db, feed.About{
		Name: "order", Path: "/order/feed", Home: "/order/",
		Title: "Order", Subtitle: "List of all orders", Author: "Big Money Online Commerce Inc.",
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
	o.Updated = nil // is the log's to say
	snapshot, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return log.Append(tx, feed.Event{Subject: o.ID, Kind: kind, Withdraws: kind == cancelled, Snapshot: snapshot})
}

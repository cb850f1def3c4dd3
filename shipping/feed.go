// What shipping has done, as a feed of its own: each entry answers the entry of order's feed that it is from. So anybody can
// see what has arrived here, order too (the acknowledgement feeds of Reliable Data Distribution over Atom).
package main

import (
	"encoding/json"
	"fmt"

	"msatom/shared/feed"
	"msatom/shared/page"
	"msatom/shared/postgres"
)

func newLog(db *postgres.DB, pages *page.Set) *feed.Log {
	return feed.NewLog(db, feed.About{
		Name: "shipping", Path: "/shipping/feed", Home: "/shipping/",
		Title: "Shipments", Subtitle: "Shipments written for orders", Author: "Big Money Online Commerce Inc.", Pages: pages,
		Describe: func(e feed.Entry) (title, summary, path string) {
			return fmt.Sprintf("Shipment %d %s", e.Subject, e.Kind), fmt.Sprintf("The shipment for order %d is %s", e.Subject, e.Kind),
				fmt.Sprintf("/shipping/%d", e.Subject)
		},
	})
}

// acknowledge is the event that a shipment was written for an entry of order's feed.
func acknowledge(s Shipment, entry string) (feed.Event, error) {
	snapshot, err := json.Marshal(map[string]any{"id": s.ID, "status": s.Status, "instance": s.Instance})
	return feed.Event{Subject: s.ID, Kind: s.Status, ReplyTo: entry, Snapshot: snapshot}, err
}

// What invoicing has done, as a feed of its own: each entry answers the entry of order's feed that it is from. So anybody can
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
		Name: "invoicing", Path: "/invoicing/feed", Home: "/invoicing/",
		Title: "Invoices", Subtitle: "Invoices written for orders", Author: "Big Money Online Commerce Inc.", Pages: pages,
		Describe: func(e feed.Entry) (title, summary, path string) {
			return fmt.Sprintf("Invoice %d %s", e.Subject, e.Kind), fmt.Sprintf("The invoice for order %d is %s", e.Subject, e.Kind),
				fmt.Sprintf("/invoicing/%d", e.Subject)
		},
	})
}

// acknowledge is the event that an invoice was written for an entry of order's feed.
func acknowledge(i Invoice, entry string) (feed.Event, error) {
	snapshot, err := json.Marshal(map[string]any{"id": i.ID, "status": i.Status, "instance": i.Instance})
	return feed.Event{Subject: i.ID, Kind: i.Status, ReplyTo: entry, Snapshot: snapshot}, err
}

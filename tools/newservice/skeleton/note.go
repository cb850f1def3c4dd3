// How an order becomes a note, and how notes are saved. Start here: say what you need of an order, what you keep, and how one becomes
// the other.

package main

import (
	"errors"

	"gorm.io/gorm"

	"msatom/shared/consumer"
	"msatom/shared/postgres"
)

// order is what is needed of an order. Everything else in its JSON is ignored.
type order struct {
	Status   string `json:"status"` // placed or cancelled
	Customer struct {
		Name string `json:"name"`
	} `json:"customer"`
	Lines []struct {
		Count int `json:"count"`
	} `json:"orderLine"`
}

// Note is what is kept: a row of the table that migrations/ creates, and the JSON that is shown.
type Note struct {
	consumer.Record        // its id is the order's
	Customer        string `json:"customer"`
	Pieces          int    `json:"pieces"`
}

// TableName is note.
func (Note) TableName() string { return "note" }

// note is called again when an order was changed or cancelled: the new note then replaces the old one.
func note(o order) (*Note, error) {
	if o.Customer.Name == "" {
		return nil, errors.New("the order has no customer")
	}
	n := &Note{Customer: o.Customer.Name}
	n.Status = "noted"
	if o.Status == "cancelled" {
		n.Status = "cancelled"
	}
	for _, l := range o.Lines {
		n.Pieces += l.Count
	}
	return n, nil
}

// A note from the same or a later event of the same log stays as it is, so nothing changes if entries are read again.
const upsert = `
	INSERT INTO note AS old (id, updated, status, instance, log, position, customer, pieces)
	SELECT * FROM unnest(?::bigint[], ?::timestamptz[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::int[])
	ON CONFLICT (id) DO UPDATE SET
	       updated = excluded.updated, status = excluded.status, instance = excluded.instance, log = excluded.log, position = excluded.position,
	       customer = excluded.customer, pieces = excluded.pieces
	WHERE old.log <> excluded.log OR old.position < excluded.position
	RETURNING id`

// save saves notes and returns the ids of those that it wrote.
func save(tx *gorm.DB, notes []*Note) (saved []int64, err error) {
	var rows postgres.Rows
	for _, n := range notes {
		rows.Add(n.ID, n.Updated, n.Status, n.Instance, n.Log, n.Position, n.Customer, n.Pieces)
	}
	err = tx.Raw(upsert, rows.Columns()...).Scan(&saved).Error
	return saved, err
}

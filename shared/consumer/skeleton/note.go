// How an order becomes a note. Begin here: say what is needed of an order, what is kept, and how the one becomes the other.

package main

import (
	"errors"

	"msatom/shared/consumer"
)

// order is what is needed of an order. Everything else in its JSON is passed over.
type order struct {
	Status   string `json:"status"` // placed or cancelled
	Customer struct {
		Name string `json:"name"`
	} `json:"customer"`
	Lines []struct {
		Count int `json:"count"`
	} `json:"orderLine"`
}

// Note is what is kept: a row of the table that migrations/ makes, and the JSON that is shown.
type Note struct {
	consumer.Record        // its id is the order's
	Customer        string `json:"customer"`
	Pieces          int    `json:"pieces"`
}

// TableName is note.
func (Note) TableName() string { return "note" }

// note is asked again when an order was changed or cancelled: the new note then replaces the old one.
func note(o order) (*Note, error) {
	if o.Customer.Name == "" {
		return nil, errors.New("it has no customer")
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

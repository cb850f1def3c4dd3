// How an order becomes an invoice.
//
// The poller (shared/poll/poller.go) hands over what is new in the feed, a document or some at a time, in the transaction in which it
// holds the cursor. Of each order in it, as it was after its event, invoice below makes an invoice. All of them are then written
// by one statement, their lines by another (shared/consumer/record.go), and what was written is published in invoicing's own
// feed (shared/consumer/consumer.go). It is all committed together with the cursor's move, or not at all. An invoice that is
// there from the same or a newer event stays as it is: so reading anything twice changes nothing.
package main

import "errors"

// order is what invoicing needs to know of an order.
type order struct {
	Status   string   `json:"status"` // the original has none
	Customer Customer `json:"customer"`
	Billing  Address  `json:"billingAddress"`
	Lines    []Line   `json:"orderLine"`
}

func invoice(o order) (*Invoice, error) {
	if o.Customer.ID < 1 {
		return nil, errors.New("it has no customer")
	}
	i := &Invoice{Customer: o.Customer, Billing: o.Billing, Lines: o.Lines}
	if !i.sumUp() {
		return nil, errors.New("its lines come to no amount")
	}
	i.Status = open
	if o.Status == "cancelled" {
		i.Status = void
	}
	return i, nil
}

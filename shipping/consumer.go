// How an order becomes a shipment. It is the twin of invoicing/consumer.go, which tells the story; what differs is what is kept
// of an order: where to send which items.
package main

import "errors"

// order is what shipping needs to know of an order.
type order struct {
	Status   string   `json:"status"` // the original has none
	Customer Customer `json:"customer"`
	Shipping Address  `json:"shippingAddress"`
	Lines    []Line   `json:"orderLine"`
}

func shipment(o order) (*Shipment, error) {
	if o.Customer.ID < 1 {
		return nil, errors.New("it has no customer")
	}
	s := &Shipment{Customer: o.Customer, Shipping: o.Shipping, Lines: o.Lines}
	s.Status = ready
	if o.Status == "cancelled" {
		s.Status = stopped
	}
	return s, nil
}

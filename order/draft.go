// A draft: the order that a client asks for, before it is checked and becomes an Order.
package main

import (
	"fmt"

	"gorm.io/gorm"

	"msatom/shared/problem"
)

// Limits of an order.
const (
	maxLines = 100
	maxCount = 100_000
	maxText  = 200 // characters
)

// Draft is what a client may say about an order.
type Draft struct {
	Request  string            `json:"-"` // idempotency key, "" without one
	Customer customerReference `json:"customer"`
	Shipping Address           `json:"shippingAddress"`
	Billing  Address           `json:"billingAddress"`
	Lines    []DraftLine       `json:"orderLine"`
}

// DraftLine is a line of a Draft.
type DraftLine struct {
	Count wholeNumber   `json:"count"`
	Item  itemReference `json:"item"`
}

// order looks customer and items up in the catalog, checks d and makes it an order that has not been
// saved. An item among before keeps the price it has there. Errors: problem.Error 422 with every
// fault, in the order of the form's fields.
func (d Draft) order(db *gorm.DB, before []Line) (Order, error) {
	lines := d.Lines[:min(len(d.Lines), maxLines+1)] // one line too many is enough to be refused
	references := make([]reference, len(lines))
	for i, l := range lines {
		references[i] = l.Item.reference
	}
	customer, err := findCustomer(db, d.Customer.reference)
	if err != nil {
		return Order{}, err
	}
	found, err := findItems(db, references, before)
	if err != nil {
		return Order{}, err
	}

	o := Order{Status: placed, Version: 1, Changed: db.NowFunc()}
	if d.Request != "" {
		o.Request = &d.Request
	}
	var f problem.Faults
	if customer == nil {
		f.Add("customer", "is missing or unknown")
	} else {
		o.Customer, o.CustomerID = *customer, customer.ID
	}
	o.Shipping, o.Billing = d.Shipping.checked("shippingAddress", &f), d.Billing.checked("billingAddress", &f)
	if len(lines) == 0 {
		f.Add("orderLine", "needs at least one line")
	}
	if len(lines) > maxLines {
		f.Add("orderLine", "has more than %d lines", maxLines)
	}
	for i, l := range lines {
		if l.Count < 1 || l.Count > maxCount {
			f.Add(fieldOfLine(i, "count"), "must be a whole number from 1 to %d", maxCount)
		}
		if found[i] == nil {
			f.Add(fieldOfLine(i, "item"), "is missing or unknown")
			continue
		}
		o.Lines = append(o.Lines, Line{Number: i + 1, Count: int(l.Count), Item: *found[i]})
	}
	o.NumberOfLines, o.StoredTotal = len(o.Lines), o.Total()
	return o, f.Err()
}

// fieldOfLine returns the name of a field of a line, which is counted from 0.
func fieldOfLine(line int, name string) string { return fmt.Sprintf("orderLine[%d].%s", line, name) }

// checked returns a without surrounding space, and adds its faults to f.
func (a Address) checked(field string, f *problem.Faults) Address {
	return Address{f.Text(field+".street", a.Street, maxText), f.Text(field+".zip", a.Zip, 20), f.Text(field+".city", a.City, maxText)}
}

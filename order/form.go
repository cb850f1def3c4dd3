// The order form as data: what was typed, what that refers to in the catalog, and the faults at its
// fields.
package main

import (
	"fmt"
	"net/url"

	"gorm.io/gorm"

	"msatom/shared/money"
)

// orderForm is the order form. Its fields hold what was typed, so that a form with faults comes
// back as it was sent.
type orderForm struct {
	ID       int64  // of the order to be changed, 0 for a new one
	Match    string // If-Match of that order when the form was opened
	Request  string // idempotency key: a form that is sent twice places one order
	Customer string
	Shipping Address
	Billing  Address
	Lines    []formLine

	Total      money.Amount      // of the valid lines
	Faults     map[string]string // by field
	Summary    []Fault           // all of them, in the order of the fields
	IsOutdated bool              // the order has been changed since the form was opened
	Placed     int64             // the order that the form has already placed, with different values

	Customers        []Customer // options offered in a list
	Items            []Item
	HasMoreCustomers bool // than those offered
	HasMoreItems     bool
}

// formLine is a line of the form.
type formLine struct {
	Number int // from 0
	Count  string
	Item   string
	Total  *money.Amount     // nil while item or count is not valid
	Faults map[string]string // of the whole form
}

// parseOrderForm reads the fields of a form.
func parseOrderForm(v url.Values) *orderForm {
	address := func(name string) Address {
		return Address{Street: v.Get(name + ".street"), Zip: v.Get(name + ".zip"), City: v.Get(name + ".city")}
	}
	f := &orderForm{Match: v.Get("match"), Request: v.Get("request"), Customer: v.Get("customer"),
		Shipping: address("shippingAddress"), Billing: address("billingAddress")}
	for i := range maxLines + 1 {
		count, item := fieldOfLine(i, "count"), fieldOfLine(i, "item")
		if v.Has(count) || v.Has(item) {
			f.Lines = append(f.Lines, formLine{Count: v.Get(count), Item: v.Get(item)})
		}
	}
	return f
}

// formOf returns the form that changes an order.
func formOf(o Order) *orderForm {
	f := &orderForm{Match: o.Match(), Customer: o.Customer.Option(), Shipping: o.Shipping, Billing: o.Billing}
	for _, l := range o.Lines {
		f.Lines = append(f.Lines, formLine{Count: fmt.Sprint(l.Count), Item: l.Item.Option()})
	}
	return f
}

// draft returns the order that the form asks for.
func (f *orderForm) draft() Draft {
	d := Draft{Request: f.Request, Customer: customerReference{parseReference(f.Customer)}, Shipping: f.Shipping, Billing: f.Billing}
	if d.Billing == (Address{}) {
		d.Billing = d.Shipping // as the form says beside the fields
	}
	for _, l := range f.Lines {
		d.Lines = append(d.Lines, DraftLine{wholeNumber(parseNumber(l.Count)), itemReference{parseReference(l.Item)}})
	}
	return d
}

// lookUp prepares the form to be shown: it replaces what was typed for customer and items by their
// options, if they are known, and computes the totals. o is the order that the form changes; its
// items have the prices they have there.
func (f *orderForm) lookUp(db *gorm.DB, o Order) error {
	d := f.draft()
	customer, err := findCustomer(db, d.Customer.reference)
	if err != nil {
		return err
	}
	if customer != nil {
		f.Customer = customer.Option()
	}
	references := make([]reference, len(d.Lines))
	for i, l := range d.Lines {
		references[i] = l.Item.reference
	}
	found, err := findItems(db, references, o.Lines)
	if err != nil {
		return err
	}
	for i, item := range found {
		l, count := &f.Lines[i], d.Lines[i].Count
		l.Number, l.Faults = i, f.Faults
		if item == nil {
			continue
		}
		l.Item = item.Option()
		if count >= 1 && count <= maxCount {
			total := item.Price.Times(int(count))
			l.Total = &total
			f.Total += total
		}
	}
	return nil
}

// fillBilling copies a complete shipping address into an empty billing address.
func (f *orderForm) fillBilling() {
	if f.Billing == (Address{}) && f.Shipping.Street != "" && f.Shipping.Zip != "" && f.Shipping.City != "" {
		f.Billing = f.Shipping
	}
}

// Field returns the name of a field of the line.
func (l formLine) Field(name string) string { return fieldOfLine(l.Number, name) }

// Blank returns a line to be added.
func (f *orderForm) Blank() formLine { return formLine{Number: len(f.Lines), Count: "1"} }

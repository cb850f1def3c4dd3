// The form as it was typed: what its template shows, and the order that it asks for.
package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"msatom/shared/money"
	"msatom/shared/problem"
)

// formView is the form as it was typed.
type formView struct {
	ID       int64  // of the order that is changed, 0 for a new one
	Match    string // its entity tag when the form was made
	Request  string // names this form, so that sending it twice places one order
	Customer string
	Shipping Address
	Billing  Address
	Lines    []formLine
	Faults   map[string]string // by field
	Outdated bool              // the order has been changed by somebody else meanwhile

	Customers     []Customer // offered in a list
	Items         []Item
	MoreCustomers bool // there are others
	MoreItems     bool
}

type formLine struct {
	Number      int // from 0
	Count, Item string
	chosen      *Item // nil if it is not known
	Faults      map[string]string
}

// What the lists of the form hold: fewer, the more lines it has, so that it stays below 50 KB. All that there is can be typed.
const (
	mostOffered  = 100
	leastOffered = 10
)

// Field is the name of a field of the line.
func (l formLine) Field(name string) string { return fmt.Sprintf("orderLine[%d].%s", l.Number, name) }

// Total is what the line costs, nil while that cannot be said.
func (l formLine) Total() *money.Amount {
	n := number(l.Count)
	if l.chosen == nil || n < 1 || n > maxCount {
		return nil
	}
	total := l.chosen.Price.Times(int(n))
	return &total
}

// Total is what the lines cost that can be summed up.
func (f *formView) Total() (sum money.Amount) {
	for _, l := range f.Lines {
		if total := l.Total(); total != nil {
			sum += *total
		}
	}
	return sum
}

// Blank is a line to be added.
func (f *formView) Blank() formLine { return formLine{Number: len(f.Lines), Count: "1"} }

// Summary is every fault with the field where it is, in the form's order.
func (f *formView) Summary() (list []Fault) {
	add := func(field, label string) {
		if detail, ok := f.Faults[field]; ok {
			list = append(list, Fault{field, label + " " + detail})
		}
	}
	add("request", "The form's name")
	add("customer", "Customer")
	for _, kind := range []string{"shipping", "billing"} {
		for _, part := range []string{"street", "zip", "city"} {
			add(kind+"Address."+part, strings.ToUpper(kind[:1])+kind[1:]+" address: "+map[string]string{"street": "Street", "zip": "ZIP code", "city": "City"}[part])
		}
	}
	add("orderLine", "The order")
	for _, l := range f.Lines {
		add(l.Field("count"), fmt.Sprintf("Line %d: Count", l.Number+1))
		add(l.Field("item"), fmt.Sprintf("Line %d: Item", l.Number+1))
	}
	return list
}

// Fault is what is wrong with a field.
type Fault struct{ Field, Text string }

func readForm(v url.Values) *formView {
	address := func(name string) Address {
		return Address{Street: v.Get(name + ".street"), Zip: v.Get(name + ".zip"), City: v.Get(name + ".city")}
	}
	f := &formView{Match: v.Get("match"), Request: v.Get("request"), Customer: v.Get("customer"),
		Shipping: address("shippingAddress"), Billing: address("billingAddress")}
	for i := range maxLines + 1 {
		name := fmt.Sprintf("orderLine[%d]", i)
		if v.Has(name+".count") || v.Has(name+".item") {
			f.Lines = append(f.Lines, formLine{Count: v.Get(name + ".count"), Item: v.Get(name + ".item")})
		}
	}
	return f
}

// draft is the order that the form asks for. What is not a number becomes 0, which Draft.check refuses at its field.
func (f *formView) draft() (d Draft, err error) {
	var faults problem.Faults
	d = Draft{Shipping: f.Shipping, Billing: f.Billing}
	if d.Billing == (Address{}) {
		d.Billing = d.Shipping // as the form says beside the fields
	}
	if f.Request != "" {
		d.Request = faults.Text("request", f.Request, maxText)
	}
	d.Customer = customerID(chosen(f.Customer))
	d.Lines = make([]DraftLine, len(f.Lines))
	for i, l := range f.Lines {
		d.Lines[i] = DraftLine{Count: pieces(number(l.Count)), Item: itemID(chosen(l.Item))}
	}
	return d, faults.Err()
}

func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// prefill writes a whole shipping address into an empty billing address.
func (f *formView) prefill() {
	if f.Billing == (Address{}) && f.Shipping.Street != "" && f.Shipping.Zip != "" && f.Shipping.City != "" {
		f.Billing = f.Shipping
	}
}

func formOf(o Order) *formView {
	f := &formView{ID: o.ID, Match: o.ETag(), Customer: o.Customer.Choice(), Shipping: o.Shipping, Billing: o.Billing}
	for _, l := range o.Lines {
		f.Lines = append(f.Lines, formLine{Count: fmt.Sprint(l.Count), Item: l.Item.Choice()})
	}
	return f
}

// explain says more of a fault in a field with a list.
func (f *formView) explain(field, typed string) {
	switch {
	case f.Faults[field] == "":
	case strings.TrimSpace(typed) == "":
		f.Faults[field] = "is missing: choose one of the list"
	default:
		f.Faults[field] = "is none of the list: choose one there, or type its number or its whole name"
	}
}

// What an order is, as rows and as JSON with the names that ewolff/microservice-atom gave it, and which values one may have.
package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"msatom/shared/money"
	"msatom/shared/problem"
)

// Order is an order with its lines and its customer.
type Order struct {
	ID            int64     `json:"id" gorm:"primaryKey"`
	Updated       *Second   `json:"updated,omitempty" gorm:"->"`
	Status        string    `json:"status"`
	CustomerID    int64     `json:"-"`
	Customer      Customer  `json:"customer"`
	Shipping      Address   `json:"shippingAddress" gorm:"embedded;embeddedPrefix:shipping_"`
	Billing       Address   `json:"billingAddress" gorm:"embedded;embeddedPrefix:billing_"`
	Lines         []Line    `json:"orderLine"`
	NumberOfLines int       `json:"numberOfLines" gorm:"-"`
	Version       int       `json:"-"`
	Request       *string   `json:"-"`
	Changed       time.Time `json:"-"`

	Sum money.Amount `json:"-" gorm:"column:total"` // Total, stored so that orders can be sorted by it
}

// Customer is who orders.
type Customer struct {
	ID        int64  `json:"customerId" gorm:"primaryKey;column:customer_id"`
	Name      string `json:"name"`
	Firstname string `json:"firstname"`
	Email     string `json:"email"`
}

// Address is where to send something.
type Address struct {
	Street string `json:"street"`
	Zip    string `json:"zip"`
	City   string `json:"city"`
}

// Line is a number of pieces of one item, at the price that it had when it was ordered.
type Line struct {
	OrderID int64 `json:"-" gorm:"primaryKey"`
	Number  int   `json:"-" gorm:"primaryKey"`
	Count   int   `json:"count"`
	Item    Item  `json:"item" gorm:"embedded"`
}

// Item is what can be ordered.
type Item struct {
	ID    int64        `json:"itemId" gorm:"column:item_id;autoIncrement:false"`
	Name  string       `json:"name"`
	Price money.Amount `json:"price"`
}

// TableName is order_line.
func (Line) TableName() string { return "order_line" }

// TableName is customer.
func (Customer) TableName() string { return "customer" }

// Total of a line.
func (l Line) Total() money.Amount { return l.Item.Price.Times(l.Count) }

// Total of the order.
func (o Order) Total() (sum money.Amount) {
	for _, l := range o.Lines {
		sum += l.Total()
	}
	return sum
}

// ETag is a strong validator of the order's JSON.
func (o Order) ETag() string { return `"` + o.tag() + `"` }

func (o Order) tag() string { return fmt.Sprintf("%d-%d", o.Version, time.Time(*o.Updated).Unix()) }

// matches says whether one of the entity tags in an If-Match is of the order as it is. Published again, or delivered, it has
// another tag, but is no other order.
func (o Order) matches(ifMatch string) bool {
	return ifMatch == "" || ifMatch == "*" || strings.Contains(ifMatch, fmt.Sprintf(`"%d-`, o.Version))
}

// Second is a moment in whole seconds: the original's feed library reads fractions as minutes.
type Second time.Time

// Time is the moment.
func (s Second) Time() time.Time { return time.Time(s) }

// Scan reads a timestamptz column.
func (s *Second) Scan(src any) error {
	t, ok := src.(time.Time)
	if !ok {
		return fmt.Errorf("no time: %T", src)
	}
	*s = Second(t.UTC().Truncate(time.Second))
	return nil
}

// MarshalJSON writes RFC 3339.
func (s Second) MarshalJSON() ([]byte, error) { return json.Marshal(time.Time(s)) }

// Limits of an order.
const (
	maxLines = 100
	maxCount = 100_000
	maxText  = 200
)

// Draft is an order as a client asks for it. The rest is not the client's to say.
type Draft struct {
	Request  string      `json:"-"` // names the request; "" if the client gave it no name
	Customer customerID  `json:"customer"`
	Shipping Address     `json:"shippingAddress"`
	Billing  Address     `json:"billingAddress"`
	Lines    []DraftLine `json:"orderLine"`
}

// DraftLine is a line of a Draft.
type DraftLine struct {
	Count pieces `json:"count"`
	Item  itemID `json:"item"`
}

// check names all faults of a draft that can be seen without the database, and trims its texts.
func (d *Draft) check(f *problem.Faults) {
	for _, a := range []struct {
		name string
		*Address
	}{{"shippingAddress", &d.Shipping}, {"billingAddress", &d.Billing}} {
		a.Street = f.Text(a.name+".street", a.Street, maxText)
		a.Zip = f.Text(a.name+".zip", a.Zip, 20)
		a.City = f.Text(a.name+".city", a.City, maxText)
	}
	if len(d.Lines) == 0 {
		f.Add("orderLine", "needs at least one line")
	}
	if len(d.Lines) > maxLines {
		f.Add("orderLine", "has more than %d lines", maxLines)
	}
	for i, l := range d.Lines {
		if l.Count < 1 || l.Count > maxCount {
			f.Add(fmt.Sprintf("orderLine[%d].count", i), "must be a whole number from 1 to %d", maxCount)
		}
	}
}

// pieces is a whole number. What is none is 0, which Draft.check refuses at its field.
type pieces int

// UnmarshalJSON reads it.
func (n *pieces) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*int)(n)) != nil {
		*n = 0
	}
	return nil
}

// customerID is written as a number, or as an object with "customerId". What is neither is 0, which no customer has.
type customerID int64

// UnmarshalJSON reads either form.
func (id *customerID) UnmarshalJSON(b []byte) error {
	var o struct {
		ID int64 `json:"customerId"`
	}
	return either(b, (*int64)(id), &o, &o.ID)
}

// itemID is written as a number, or as an object with "itemId". What is neither is 0, which no item has.
type itemID int64

// UnmarshalJSON reads either form.
func (id *itemID) UnmarshalJSON(b []byte) error {
	var o struct {
		ID int64 `json:"itemId"`
	}
	return either(b, (*int64)(id), &o, &o.ID)
}

func either(b []byte, id *int64, object any, member *int64) error {
	if json.Unmarshal(b, id) != nil {
		*id = 0
		if json.Unmarshal(b, object) == nil {
			*id = *member
		}
	}
	return nil
}

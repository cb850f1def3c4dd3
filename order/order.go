// An order: its columns in Postgres, and its JSON with the names that ewolff/microservice-atom gave
// it.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"msatom/shared/money"
)

// The states of an order. Each is also the kind of the event that leads to it; changed is a kind
// only.
const (
	placed    = "placed"
	changed   = "changed"
	cancelled = "cancelled"
)

// Order is an order with its customer and its lines.
type Order struct {
	ID            int64     `json:"id" gorm:"primaryKey"`
	Updated       time.Time `json:"updated,omitzero" gorm:"->"` // when its latest entry was published, see orderColumns
	Status        string    `json:"status"`
	CustomerID    int64     `json:"-"`
	Customer      Customer  `json:"customer"`
	Shipping      Address   `json:"shippingAddress" gorm:"embedded;embeddedPrefix:shipping_"`
	Billing       Address   `json:"billingAddress" gorm:"embedded;embeddedPrefix:billing_"`
	Lines         []Line    `json:"orderLine"`
	NumberOfLines int       `json:"numberOfLines" gorm:"-"`
	Version       int       `json:"-"` // starts at 1 and grows with every change
	Request       *string   `json:"-"` // idempotency key of the request that placed it
	RequestHash   string    `json:"-"` // of what that request asked for, "" without a key
	Changed       time.Time `json:"-"` // when the latest change was made

	StoredTotal money.Amount `json:"-" gorm:"column:total"` // Total, stored for sorting
}

// Address is a postal address.
type Address struct {
	Street string `json:"street"`
	Zip    string `json:"zip"`
	City   string `json:"city"`
}

// Line is a quantity of one item, with the item's name and price at the time it was ordered.
type Line struct {
	OrderID int64 `json:"-" gorm:"primaryKey"`
	Number  int   `json:"-" gorm:"primaryKey"` // from 1
	Count   int   `json:"count"`
	Item    Item  `json:"item" gorm:"embedded"`
}

// TableName returns the name of the table of lines.
func (Line) TableName() string { return "order_line" }

// Total returns the price of the line.
func (l Line) Total() money.Amount { return l.Item.Price.Times(l.Count) }

// Total returns the price of all lines.
func (o Order) Total() (sum money.Amount) {
	for _, l := range o.Lines {
		sum += l.Total()
	}
	return sum
}

// hash returns a hash of an order that has not been saved: of what the client asked for, with the
// catalog's names and prices.
func (o Order) hash() (string, error) {
	b, err := json.Marshal(o)
	return fmt.Sprintf("%x", sha256.Sum256(b)), err
}

// AfterFind counts the lines of an order that gorm has read.
func (o *Order) AfterFind(*gorm.DB) error {
	o.NumberOfLines = len(o.Lines)
	return nil
}

// Match returns the If-Match of a change that must not overwrite a later one.
func (o Order) Match() string { return fmt.Sprintf(`"%d-"`, o.Version) }

// etag returns a strong validator of the order's JSON, which differs with its deliveries and its publication.
func (o Order) etag(json []byte) string {
	sum := sha256.Sum256(json)
	return fmt.Sprintf(`"%d-%x"`, o.Version, sum[:8])
}

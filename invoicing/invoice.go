// An invoice, as rows and as JSON with the names of the Java original (ewolff/microservice-atom).
package main

import (
	"msatom/shared/consumer"
	"msatom/shared/list"
	"msatom/shared/money"
)

// Status of an invoice: open, or void because its order was cancelled.
const (
	open = "open"
	void = "void"
)

// Invoice bills an order. Its data are copied from the order.
type Invoice struct {
	consumer.Record          // its id is the order's
	Customer        Customer `json:"customer" gorm:"embedded;embeddedPrefix:customer_"`
	Billing         Address  `json:"billingAddress" gorm:"embedded;embeddedPrefix:billing_"`
	Lines           []Line   `json:"invoiceLine"`

	Total money.Amount `json:"-"` // sum of the lines
}

// Customer pays.
type Customer struct {
	ID        int64  `json:"customerId" gorm:"autoIncrement:false"`
	Name      string `json:"name"`
	Firstname string `json:"firstname"`
	Email     string `json:"email"`
}

// Address is where the invoice goes.
type Address struct {
	Street string `json:"street"`
	Zip    string `json:"zip"`
	City   string `json:"city"`
}

// Line bills a number of pieces of one item.
type Line struct {
	InvoiceID int64 `json:"-" gorm:"primaryKey"`
	Number    int   `json:"-" gorm:"primaryKey"`
	Count     int   `json:"count"`
	Item      Item  `json:"item" gorm:"embedded"`
}

// Item is what was ordered, at the price of that time.
type Item struct {
	ID    int64        `json:"itemId" gorm:"column:item_id;autoIncrement:false"`
	Name  string       `json:"name"`
	Price money.Amount `json:"price"`
}

// TableName is invoice.
func (Invoice) TableName() string { return "invoice" }

// TableName is invoice_line.
func (Line) TableName() string { return "invoice_line" }

// Total returns the price of all pieces.
func (l Line) Total() money.Amount { return l.Item.Price.Times(l.Count) }

// Place returns the place of the invoice in a list.
func (i *Invoice) Place() list.Place { return list.Place{ID: i.ID, Total: i.Total} }

// sumUp sets the total. It reports false if a count is below 1 or the total exceeds money.Max.
func (i *Invoice) sumUp() bool {
	for _, l := range i.Lines {
		if l.Count < 1 || max(l.Item.Price, -l.Item.Price) > money.Max/money.Amount(l.Count) {
			return false
		}
		i.Total += l.Total()
		if max(i.Total, -i.Total) > money.Max {
			return false
		}
	}
	return true
}

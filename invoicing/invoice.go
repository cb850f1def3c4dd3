// What an invoice is, as rows and as JSON with the names that ewolff/microservice-atom gave it.
package main

import (
	"msatom/shared/consumer"
	"msatom/shared/money"
)

// What an invoice can be: open, or void because its order was cancelled.
const (
	open = "open"
	void = "void"
)

// Invoice bills an order. Its data are copies, as the order had them.
type Invoice struct {
	consumer.Record          // its id is the order's
	Customer        Customer `json:"customer" gorm:"embedded;embeddedPrefix:customer_"`
	Billing         Address  `json:"billingAddress" gorm:"embedded;embeddedPrefix:billing_"`
	Lines           []Line   `json:"invoiceLine"`

	Total money.Amount `json:"-"` // the sum of the lines, stored so that invoices can be sorted by it
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

// Item is what was ordered, at the price that it had then.
type Item struct {
	ID    int64        `json:"itemId" gorm:"column:item_id;autoIncrement:false"`
	Name  string       `json:"name"`
	Price money.Amount `json:"price"`
}

// TableName is invoice.
func (Invoice) TableName() string { return "invoice" }

// TableName is invoice_line.
func (Line) TableName() string { return "invoice_line" }

// Total of a line.
func (l Line) Total() money.Amount { return l.Item.Price.Times(l.Count) }

// sumUp sets the total, unless that is more than can be paid.
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

// What an invoice is, as rows and as JSON with the names that ewolff/microservice-atom gave it.
package main

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"msatom/shared/money"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// What an invoice can be: open, or void because its order was cancelled.
const (
	open = "open"
	void = "void"
)

// Invoice bills an order. Its data are copies, as the order had them.
type Invoice struct {
	ID       int64     `json:"id" gorm:"primaryKey"` // the order's id
	Customer Customer  `json:"customer" gorm:"embedded;embeddedPrefix:customer_"`
	Updated  time.Time `json:"updated" gorm:"autoUpdateTime:false"`
	Billing  Address   `json:"billingAddress" gorm:"embedded;embeddedPrefix:billing_"`
	Lines    []Line    `json:"invoiceLine"`
	Status   string    `json:"status"`
	Instance string    `json:"instance"` // that wrote it
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

// Total of the invoice.
func (i Invoice) Total() (sum money.Amount) {
	for _, l := range i.Lines {
		sum += l.Total()
	}
	return sum
}

// Invoices is all invoices.
type Invoices struct{ db *gorm.DB }

// Get reads the invoice of an order. Errors: problem.Error 404.
func (s *Invoices) Get(ctx context.Context, id int64) (i Invoice, err error) {
	err = postgres.Snapshot(s.complete(ctx), func(tx *gorm.DB) error { return tx.Take(&i, "id = ?", id).Error })
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return i, problem.NotFound("There is no invoice for order %d, or not yet.", id)
	}
	i.Updated = i.Updated.UTC()
	return i, err
}

// List reads invoices, newest order first, and says whether there are more behind them.
func (s *Invoices) List(ctx context.Context, before int64, limit int) (list []Invoice, more bool, err error) {
	err = postgres.Snapshot(s.complete(ctx).Where("id < ?", before).Order("id DESC").Limit(limit+1), func(tx *gorm.DB) error { return tx.Find(&list).Error })
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	for i := range list {
		list[i].Updated = list[i].Updated.UTC()
	}
	return list, more, err
}

func (s *Invoices) complete(ctx context.Context) *gorm.DB {
	return s.db.WithContext(ctx).Preload("Lines", func(db *gorm.DB) *gorm.DB { return db.Order("number") })
}

// Invoicing follows the feed of orders and keeps an invoice for each.
package main

import (
	"embed"

	"gorm.io/gorm"

	"msatom/shared/consumer"
	"msatom/shared/list"
	"msatom/shared/reconcile"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var invoicing = consumer.Service[order, *Invoice]{
	Name: "invoicing", Feed: "order", Record: "invoice", Title: "Invoices", Author: "Big Money Online Commerce Inc.", Files: files,
	Make: makeInvoice, Save: save, Tables: []reconcile.Table{{Name: "invoice", Subject: "id"}, {Name: "invoice_line", Subject: "invoice_id"}},
	Preload: func(db *gorm.DB) *gorm.DB {
		return db.Preload("Lines", func(db *gorm.DB) *gorm.DB { return db.Order("invoice_id, number") })
	},
	Offer: list.Offer{Amount: true, Filter: byCustomer},
}

// byCustomer filters the list by the names in the table customer. A customer has a row there for each name they have had.
var byCustomer = list.Filter{
	Label:  "Customer’s name contains",
	Column: "customer_id",
	Named:  "SELECT customer_id FROM customer WHERE firstname || ' ' || name ILIKE ?",
}

func main() { invoicing.Main() }

// Invoicing follows the feed of orders and writes an invoice for each.
package main

import (
	"embed"

	"msatom/shared/consumer"
	"msatom/shared/list"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var invoicing = consumer.Service[order, *Invoice]{
	Name: "invoicing", Feed: "order", Record: "invoice", Title: "Invoices", Files: files, Make: invoice,
	Offer: list.Offer{Amount: true, Customer: true},
}

func main() { invoicing.Main() }

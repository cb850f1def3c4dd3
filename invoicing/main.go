// Invoicing follows the feed of orders and writes an invoice for each.
package main

import (
	"embed"

	"msatom/shared/consumer"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var invoicing = consumer.Service[order, *Invoice]{
	Name: "invoicing", Feed: "order", Record: "invoice", Title: "Invoices", Files: files, Make: invoice,
}

func main() { invoicing.Main() }

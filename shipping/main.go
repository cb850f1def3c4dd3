// Shipping follows the feed of orders and keeps a shipment for each.
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

var shipping = consumer.Service[order, *Shipment]{
	Name: "shipping", Feed: "order", Record: "shipment", Title: "Shipments", Author: "Big Money Online Commerce Inc.", Files: files,
	Make: makeShipment, Save: save, Tables: []reconcile.Table{{Name: "shipment", Subject: "id"}, {Name: "shipment_line", Subject: "shipment_id"}},
	Preload: func(db *gorm.DB) *gorm.DB {
		return db.Preload("Lines", func(db *gorm.DB) *gorm.DB { return db.Order("shipment_id, number") })
	},
	Offer: list.Offer{Filter: byCustomer},
}

// byCustomer filters the list by the names in the table customer. A customer has a row there for each name they have had.
var byCustomer = list.Filter{
	Label:  "Customer’s name contains",
	Column: "customer_id",
	Named:  "SELECT customer_id FROM customer WHERE firstname || ' ' || name ILIKE ?",
}

func main() { shipping.Main() }

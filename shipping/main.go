// Shipping follows the feed of orders and writes a shipment for each.
package main

import (
	"embed"

	"msatom/shared/consumer"
	"msatom/shared/list"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var shipping = consumer.Service[order, *Shipment]{
	Name: "shipping", Feed: "order", Record: "shipment", Title: "Shipments", Files: files, Make: shipment,
	Offer: list.Offer{Customer: true},
}

func main() { shipping.Main() }

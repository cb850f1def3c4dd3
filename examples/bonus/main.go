// Bonus follows the feed of orders and credits each customer with a bonus: 5 % of what was ordered and not cancelled.
package main

import (
	"embed"

	"msatom/shared/consumer"
	"msatom/shared/reconcile"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var bonus = consumer.Service[order, *Credit]{
	Name: "bonus", Feed: "order", Record: "credit", Title: "Bonus", Author: "Big Money Online Commerce Inc.", Files: files,
	Make: credit, Save: save, Tables: []reconcile.Table{{Name: "credit", Subject: "id"}}, List: accounts,
}

func main() { bonus.Main() }

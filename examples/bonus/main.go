// Bonus follows the feed of orders and credits each customer with a bonus: 5 % of what was ordered and not cancelled.
package main

import (
	"embed"

	"msatom/shared/consumer"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var bonus = consumer.Service[order, *Credit]{
	Name: "bonus", Feed: "order", Record: "credit", Title: "Bonus", Files: files, Make: credit, List: consumer.List[*Account],
}

func main() { bonus.Main() }

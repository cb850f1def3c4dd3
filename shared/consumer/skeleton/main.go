// Skeleton follows the feed of orders and makes a note of each.
package main

import (
	"embed"

	"msatom/shared/consumer"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var skeleton = consumer.Service[order, *Note]{
	Name: "skeleton", Feed: "order", Record: "note", Title: "Skeleton", Files: files, Make: note,
}

func main() { skeleton.Main() }

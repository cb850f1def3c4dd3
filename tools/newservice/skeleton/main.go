// Skeleton follows the feed of orders and makes a note of each.
package main

import (
	"embed"

	"msatom/shared/consumer"
	"msatom/shared/reconcile"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

var skeleton = consumer.Service[order, *Note]{
	Name: "skeleton", Feed: "order", Record: "note", Title: "Skeleton", Author: "Skeleton", Files: files,
	Make: note, Save: save, Tables: []reconcile.Table{{Name: "note", Subject: "id"}},
}

func main() { skeleton.Main() }

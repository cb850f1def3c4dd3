// Checktheninsert looks whether an order has its invoice, and writes one if it has none. Each of its instances reads the whole
// feed for itself.
//
// Naive: between the look and the insert another instance does the same, and no key stops the second.
package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/e2e/proof/naive"
	"msatom/e2e/proof/reader"
)

// The mistake: id is no key.
const tables = `
	CREATE TABLE IF NOT EXISTS invoice (id bigint NOT NULL, position bigint NOT NULL, snapshot json NOT NULL);
	CREATE INDEX IF NOT EXISTS invoice_id ON invoice (id)`

func main() { naive.Consume(tables, poll) }

var position int64 // how far this instance is

func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	news, err := feed.News(ctx, func(i reader.Item) bool { return i.Event.Position <= position })
	if err != nil {
		return err
	}
	for _, i := range news {
		var there bool
		if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM invoice WHERE id = $1)", i.Event.Subject).Scan(&there); err != nil {
			return err
		}
		write := "INSERT INTO invoice (id, position, snapshot) VALUES ($1, $2, $3)"
		if there {
			write = "UPDATE invoice SET position = $2, snapshot = $3 WHERE id = $1 AND position < $2"
		}
		if _, err := db.Exec(ctx, write, i.Event.Subject, i.Event.Position, i.Event.Snapshot); err != nil {
			return err
		}
		position = i.Event.Position
	}
	return nil
}

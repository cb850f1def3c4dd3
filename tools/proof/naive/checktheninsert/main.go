// Checktheninsert checks whether an order has its invoice, and inserts one if not. Each instance reads the whole feed on its own.
//
// The mistake: between the check and the insert another instance does the same, and no key prevents the second invoice.
package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/tools/proof/naive"
	"msatom/tools/proof/reader"
)

// The mistake: id is not a key.
const tables = `
	CREATE TABLE IF NOT EXISTS invoice (id bigint NOT NULL, position bigint NOT NULL, snapshot json NOT NULL);
	CREATE INDEX IF NOT EXISTS invoice_id ON invoice (id)`

func main() { naive.Consume(tables, poll) }

var position int64 // the last that this instance has processed

func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	entries, err := feed.Newer(ctx, func(e reader.Entry) bool { return e.Position <= position })
	if err != nil {
		return err
	}
	for _, e := range entries {
		var exists bool
		if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM invoice WHERE id = $1)", e.Subject).Scan(&exists); err != nil {
			return err
		}
		save := "INSERT INTO invoice (id, position, snapshot) VALUES ($1, $2, $3)"
		if exists {
			save = "UPDATE invoice SET position = $2, snapshot = $3 WHERE id = $1 AND position < $2"
		}
		if _, err := db.Exec(ctx, save, e.Subject, e.Position, e.Snapshot); err != nil {
			return err
		}
		position = e.Position
	}
	return nil
}

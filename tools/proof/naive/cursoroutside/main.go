// Cursoroutside moves its cursor in one transaction, and saves what it has read in another.
//
// The mistake: an instance that is killed between the two has moved past entries that it never saved. In the opposite order it
// would save entries and not move past them, and process them twice.
package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/tools/proof/naive"
	"msatom/tools/proof/reader"
)

func main() { naive.Consume(naive.Tables, poll) }

func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	var entries []reader.Entry
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) (err error) {
		var position int64
		if err := tx.QueryRow(ctx, "SELECT position FROM cursor FOR UPDATE").Scan(&position); err != nil {
			return err
		}
		entries, err = feed.Newer(ctx, func(e reader.Entry) bool { return e.Position <= position })
		if err != nil || len(entries) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE cursor SET position = $1", entries[len(entries)-1].Position)
		return err
	}) // the mistake: this commits the cursor before the invoices
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		for _, e := range entries {
			if err := naive.SaveInvoice(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

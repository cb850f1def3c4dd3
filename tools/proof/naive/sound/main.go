// Sound is a consumer without a mistake. It shares all its code with the naive consumers, except the function poll: what they
// lose is lost there.
package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/tools/proof/naive"
	"msatom/tools/proof/reader"
)

func main() { naive.Consume(naive.Tables, poll) }

// poll locks the cursor, saves an invoice for each new entry and moves the cursor, all in one transaction: either everything
// happens or nothing, and no other instance polls at the same time.
func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var position int64
		if err := tx.QueryRow(ctx, "SELECT position FROM cursor FOR UPDATE").Scan(&position); err != nil {
			return err
		}
		entries, err := feed.Newer(ctx, func(e reader.Entry) bool { return e.Position <= position })
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := naive.SaveInvoice(ctx, tx, e); err != nil {
				return err
			}
			position = e.Position
		}
		_, err = tx.Exec(ctx, "UPDATE cursor SET position = $1", position)
		return err
	})
}

// Sound is a consumer without a mistake, as small as the others: it shows that what they lose is not lost by what they share.
package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/e2e/proof/naive"
	"msatom/e2e/proof/reader"
)

func main() { naive.Consume(naive.Invoice, poll) }

func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var position int64
		if err := tx.QueryRow(ctx, "SELECT position FROM cursor FOR UPDATE").Scan(&position); err != nil {
			return err
		}
		news, err := feed.News(ctx, func(i reader.Item) bool { return i.Event.Position <= position })
		if err != nil {
			return err
		}
		for _, i := range news {
			if _, err := tx.Exec(ctx, naive.Write, i.Event.Subject, i.Event.Position, i.Event.Snapshot); err != nil {
				return err
			}
			position = i.Event.Position
		}
		_, err = tx.Exec(ctx, "UPDATE cursor SET position = $1", position)
		return err
	})
}

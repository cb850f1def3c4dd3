// Cursoroutside moves its cursor, and then writes what it has read, in another transaction.
//
// Naive: who is killed between the two has passed what it never wrote. (The other way round it would write twice what it has
// not yet passed.)
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
	var news []reader.Item
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { // the mistake: it ends here
		var position int64
		err := tx.QueryRow(ctx, "SELECT position FROM cursor FOR UPDATE").Scan(&position)
		if err != nil {
			return err
		}
		if news, err = feed.News(ctx, func(i reader.Item) bool { return i.Event.Position <= position }); err != nil || len(news) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE cursor SET position = $1", news[len(news)-1].Event.Position)
		return err
	})
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		for _, i := range news {
			if _, err := tx.Exec(ctx, naive.Write, i.Event.Subject, i.Event.Position, i.Event.Snapshot); err != nil {
				return err
			}
		}
		return nil
	})
}

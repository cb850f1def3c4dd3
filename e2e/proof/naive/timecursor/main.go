// Timecursor remembers when the last entry that it has seen was updated, and takes in what is newer.
//
// Naive: "newer than" leaves out what comes later in the same second, "not older than" would not help where a time is given
// before the commit: whoever commits late appears in a past that nobody reads again.
package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/e2e/proof/naive"
	"msatom/e2e/proof/reader"
)

func main() { naive.Consume(naive.Invoice, poll) }

func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var since time.Time
		if err := tx.QueryRow(ctx, "SELECT greatest(updated, '2000-01-01') FROM cursor FOR UPDATE").Scan(&since); err != nil {
			return err
		}
		news, err := feed.News(ctx, func(i reader.Item) bool { return !i.Updated.After(since) }) // the mistake
		if err != nil {
			return err
		}
		for _, i := range news {
			if _, err := tx.Exec(ctx, naive.Write, i.Event.Subject, i.Event.Position, i.Event.Snapshot); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE cursor SET updated = $1, position = $2", i.Updated, i.Event.Position); err != nil {
				return err
			}
		}
		return nil
	})
}

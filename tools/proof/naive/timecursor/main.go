// Timecursor remembers when the last entry that it processed was updated, and processes what is newer.
//
// The mistake: many entries have the same time. A poll in the middle of a second loses what follows within that second. Finer
// times do not help: an order gets its time when it is written, but readers see it when it is committed. An order that commits
// late appears in a past that nobody reads again.
package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/tools/proof/naive"
	"msatom/tools/proof/reader"
)

func main() { naive.Consume(naive.Tables, poll) }

func poll(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var updated time.Time
		if err := tx.QueryRow(ctx, "SELECT greatest(updated, '2000-01-01') FROM cursor FOR UPDATE").Scan(&updated); err != nil {
			return err
		}
		entries, err := feed.Newer(ctx, func(e reader.Entry) bool { return !e.Updated.After(updated) }) // the mistake
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := naive.SaveInvoice(ctx, tx, e); err != nil {
				return err
			}
			updated = e.Updated
		}
		_, err = tx.Exec(ctx, "UPDATE cursor SET updated = $1", updated)
		return err
	})
}

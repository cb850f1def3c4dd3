package naive

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/e2e/proof/reader"
)

// Invoice is the table of a consumer: one row for an order, with what the log said of it last. It has a cursor, which stands
// at an entry of the log.
const Invoice = `
	CREATE TABLE IF NOT EXISTS invoice (id bigint PRIMARY KEY, position bigint NOT NULL, snapshot json NOT NULL);
	CREATE TABLE IF NOT EXISTS cursor (single bool PRIMARY KEY DEFAULT true, position bigint NOT NULL, updated timestamptz NOT NULL);
	INSERT INTO cursor (position, updated) VALUES (0, '-infinity') ON CONFLICT DO NOTHING`

// Write writes the invoice of an entry, unless there is one from a newer entry.
const Write = `
	INSERT INTO invoice AS old (id, position, snapshot) VALUES ($1, $2, $3)
	ON CONFLICT (id) DO UPDATE SET position = excluded.position, snapshot = excluded.snapshot WHERE old.position < excluded.position`

// Consume runs a consumer, which takes in what is new by poll, over and over.
func Consume(tables string, poll func(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
	serve(tables, mux, func(ctx context.Context, db *pgxpool.Pool) {
		feed := &reader.Feed{URL: os.Getenv("FEED_URL"), Client: &http.Client{Timeout: 10 * time.Second}}
		for ctx.Err() == nil {
			if err := poll(ctx, db, feed); err != nil {
				fmt.Println(err)
				feed.Forget()
			}
			pause(ctx, 20*time.Millisecond)
		}
	})
}

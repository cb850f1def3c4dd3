package naive

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"msatom/tools/proof/reader"
)

// Tables are those of a consumer: an invoice for each order, with the order as its latest entry shows it, and a cursor, which is
// the entry up to which the log has been processed.
const Tables = `
	CREATE TABLE IF NOT EXISTS invoice (id bigint PRIMARY KEY, position bigint NOT NULL, snapshot json NOT NULL);
	CREATE TABLE IF NOT EXISTS cursor (single bool PRIMARY KEY DEFAULT true, position bigint NOT NULL, updated timestamptz NOT NULL);
	INSERT INTO cursor (position, updated) VALUES (0, '-infinity') ON CONFLICT DO NOTHING`

// Consume runs a consumer: it creates the tables and calls poll over and over. poll asks the feed for what is new and saves it.
func Consume(tables string, poll func(ctx context.Context, db *pgxpool.Pool, feed *reader.Feed) error) {
	serve(tables, func(ctx context.Context, db *pgxpool.Pool, mux *http.ServeMux) {
		mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
		feed := &reader.Feed{URL: os.Getenv("FEED_URL"), Client: &http.Client{Timeout: 10 * time.Second}}
		go func() {
			for ; ctx.Err() == nil; pause(ctx, 20*time.Millisecond) {
				if err := poll(ctx, db, feed); err != nil {
					log.Print(err)
					feed.Forget()
				}
			}
		}()
	})
}

// SaveInvoice inserts the invoice for an entry, or updates it unless it comes from a newer entry.
func SaveInvoice(ctx context.Context, tx pgx.Tx, e reader.Entry) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO invoice AS old (id, position, snapshot) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET position = excluded.position, snapshot = excluded.snapshot WHERE old.position < excluded.position`,
		e.Subject, e.Position, e.Snapshot)
	return err
}

// Package naive is the frame of the programs in the folders below: small services that take the place of order or of invoicing,
// most of them with a common mistake that `make proof` must catch. The frame contains none of the mistakes. A program of your
// own in a folder beside them calls Consume or Publish; `make proof DESIGN=folder` puts it on trial.
package naive

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// serve creates the tables, lets add register handlers and start work in the background, and serves until SIGTERM.
func serve(tables string, add func(ctx context.Context, db *pgxpool.Pool, mux *http.ServeMux)) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 32
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "10s" // some designs read a feed inside a transaction
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	create := "SELECT pg_advisory_xact_lock(1); " + tables // the lock, because two instances cannot create the same table at once
	for ctx.Err() == nil {
		if _, err = db.Exec(ctx, create); err == nil {
			break
		}
		log.Print(err)
		pause(ctx, time.Second)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	add(ctx, db, mux)
	server := &http.Server{Addr: os.Getenv("ADDR"), Handler: mux}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

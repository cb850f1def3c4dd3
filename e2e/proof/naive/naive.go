// Package naive is what the programs in the folders below have in common: small services that take the place of order or of
// invoicing, each with one mistake that is often made, to show that `make proof` sees it. None of the mistakes is here.
package naive

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// serve runs a service with these tables until SIGTERM. Its requests are answered by mux, and beside runs beside that.
func serve(tables string, mux *http.ServeMux, beside func(context.Context, *pgxpool.Pool)) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	config.MaxConns = 32
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for ctx.Err() == nil {
		// One instance at a time: two that create the same table at once get in each other's way.
		if _, err = db.Exec(ctx, "SELECT pg_advisory_xact_lock(1); "+tables); err == nil {
			break
		}
		fmt.Println(err)
		pause(ctx, time.Second)
	}
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: os.Getenv("ADDR"), Handler: mux}
	go func() {
		if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}()
	if beside != nil {
		beside(ctx, db)
	}
	<-ctx.Done()
	server.Close()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
)

// The handlers of the yardsticks.

// echoNotModified answers 304 and does nothing else.
func echoNotModified(string) (http.Handler, error) {
	e := echo.New()
	e.GET("/*", func(c echo.Context) error { return c.NoContent(http.StatusNotModified) })
	return e, nil
}

// fileBytes answers with the content of a file, by net/http and nothing else.
func fileBytes(file string) (http.Handler, error) {
	body, err := os.ReadFile(file)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/atom+xml"}
		w.Header()["Content-Length"] = []string{fmt.Sprint(len(body))}
		_, _ = w.Write(body)
	}), err
}

// storedSnapshots answers /n with the snapshots of document n, unchanged: one query by pgx, no dialect, no compression.
func storedSnapshots(database string) (http.Handler, error) {
	pool, err := pgxpool.New(context.Background(), database+"&pool_max_conns=8")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.URL.Path[1:], 10, 64)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		rows, _ := pool.Query(r.Context(), `SELECT e.snapshot::text FROM outbox_position p JOIN outbox_event e ON e.id = p.event_id
			WHERE p.position BETWEEN $1 AND $2 ORDER BY p.position DESC`, (n-1)*100+1, n*100)
		snapshots, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body := bytes.Join(snapshots, []byte("\n"))
		w.Header()["Content-Length"] = []string{fmt.Sprint(len(body))}
		_, _ = w.Write(body)
	}), err
}

// maxChanged answers as the original does: each request searches the whole table, which has no index for that, for the latest change.
func maxChanged(database string) (http.Handler, error) {
	pool, err := pgxpool.New(context.Background(), database+"&pool_max_conns=8")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var latest time.Time
		if err := pool.QueryRow(r.Context(), "SELECT max(changed) FROM orders").Scan(&latest); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if since, err := http.ParseTime(r.Header.Get("If-Modified-Since")); err == nil && !latest.Truncate(time.Second).After(since) {
			w.WriteHeader(http.StatusNotModified)
		}
	}), err
}

package naive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Orders are the tables of a publisher. An order's id is its position in the feed.
const Orders = `
	CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, updated timestamptz NOT NULL DEFAULT date_trunc('second', clock_timestamp()),
		request text UNIQUE, snapshot json);
	CREATE TABLE IF NOT EXISTS order_line (order_id bigint NOT NULL, number int NOT NULL, count int NOT NULL, item bigint NOT NULL, PRIMARY KEY (order_id, number))`

// Design is what publishers do differently.
type Design struct {
	Before    string                                             // SQL that an order's transaction begins with
	Position  string                                             // SQL for its position
	Validator func(h http.Header, last int64, updated time.Time) // of the feed, by its last entry
}

// InTurn is how orders get their positions one at a time: who comes next waits until the one before is committed.
var InTurn = Design{Before: "SELECT pg_advisory_xact_lock(2)", Position: "(SELECT coalesce(max(id), 0) + 1 FROM orders)", Validator: Tag}

// Tag is an entity tag.
func Tag(h http.Header, last int64, _ time.Time) { h.Set("ETag", fmt.Sprintf(`"%d"`, last)) }

// draft is what a client sends.
type draft struct {
	Customer int64           `json:"customer"`
	Shipping json.RawMessage `json:"shippingAddress"`
	Billing  json.RawMessage `json:"billingAddress"`
	Lines    []struct {
		Count int   `json:"count"`
		Item  int64 `json:"item"`
	} `json:"orderLine"`
}

// Publish runs a publisher of orders.
func Publish(design Design) {
	var db *pgxpool.Pool
	mux := http.NewServeMux()
	started := make(chan struct{})
	answer := func(pattern string, status int, do func(*http.Request, http.Header) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			<-started
			v, err := do(r, w.Header())
			body, marshalled := json.Marshal(v)
			if err != nil || marshalled != nil {
				fmt.Println(err, marshalled)
				http.Error(w, "try again", http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-cache")
			if status == http.StatusOK {
				modified, _ := http.ParseTime(w.Header().Get("Last-Modified"))
				http.ServeContent(w, r, "", modified, bytes.NewReader(body)) // answers 304 where it may
				return
			}
			w.WriteHeader(status)
			w.Write(body)
		})
	}
	answer("GET /order/", http.StatusOK, func(*http.Request, http.Header) (any, error) { return []string{}, nil })
	answer("GET /order/feed", http.StatusOK, func(r *http.Request, h http.Header) (any, error) { return recent(r, db, design, h) })
	answer("POST /order/", http.StatusCreated, func(r *http.Request, _ http.Header) (any, error) {
		var d draft
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			return nil, err
		}
		return place(r.Context(), db, design, d, r.Header.Get("Idempotency-Key"))
	})
	serve(Orders, mux, func(ctx context.Context, pool *pgxpool.Pool) {
		db = pool
		close(started)
	})
}

// place takes an order in a transaction, once for each request.
func place(ctx context.Context, db *pgxpool.Pool, design Design, d draft, request string) (o json.RawMessage, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, design.Before); err != nil {
			return err
		}
		var id int64
		var updated time.Time
		err := tx.QueryRow(ctx, "INSERT INTO orders (id, request) VALUES ("+design.Position+", $1) ON CONFLICT (request) DO NOTHING RETURNING id, updated", request).Scan(&id, &updated)
		if err == pgx.ErrNoRows {
			return tx.QueryRow(ctx, "SELECT snapshot FROM orders WHERE request = $1", request).Scan(&o)
		}
		if err != nil {
			return err
		}
		var lines []map[string]any
		for i, l := range d.Lines {
			if _, err := tx.Exec(ctx, "INSERT INTO order_line VALUES ($1, $2, $3, $4)", id, i+1, l.Count, l.Item); err != nil {
				return err
			}
			lines = append(lines, map[string]any{"count": l.Count, "item": map[string]any{"itemId": l.Item, "name": fmt.Sprintf("Item %d", l.Item), "price": json.Number("1.05")}})
		}
		o, err = json.Marshal(map[string]any{"id": id, "updated": updated.UTC().Format(time.RFC3339), "status": "placed",
			"customer": map[string]any{"customerId": d.Customer}, "shippingAddress": d.Shipping, "billingAddress": d.Billing, "orderLine": lines})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE orders SET snapshot = $1 WHERE id = $2", o, id)
		return err
	})
	return o, err
}

// recent is a document with the newest 100 entries, or those before one.
func recent(r *http.Request, db *pgxpool.Pool, design Design, h http.Header) (any, error) {
	before, err := strconv.ParseInt(r.FormValue("before"), 10, 64)
	if err != nil {
		before = 1 << 62
	}
	rows, err := db.Query(r.Context(), "SELECT id, updated, snapshot FROM orders WHERE id < $1 ORDER BY id DESC LIMIT 100", before)
	if err != nil {
		return nil, err
	}
	var id int64
	var updated time.Time
	var snapshot json.RawMessage
	items := []map[string]any{}
	links := map[string]string{}
	_, err = pgx.ForEachRow(rows, []any{&id, &updated, &snapshot}, func() error {
		if len(items) == 0 && r.FormValue("before") == "" {
			design.Validator(h, id, updated)
		}
		items = append(items, map[string]any{"id": strconv.FormatInt(id, 10), "date_modified": updated.UTC(),
			"_msatom": map[string]any{"position": id, "subject": id, "kind": "placed", "snapshot": append(json.RawMessage{}, snapshot...)}})
		return nil
	})
	if len(items) == 100 {
		links["prev-archive"] = fmt.Sprintf("%s/order/feed?before=%d", r.Header.Get("X-Public-URL"), id)
	}
	return map[string]any{"items": items, "_msatom": map[string]any{"links": links}}, err
}

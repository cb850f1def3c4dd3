package naive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// orderTables are those of a publisher. The id of an order is its position in the feed.
const orderTables = `
	CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, updated timestamptz NOT NULL DEFAULT date_trunc('second', clock_timestamp()),
		request text UNIQUE, snapshot json);
	CREATE TABLE IF NOT EXISTS order_line (order_id bigint NOT NULL, number int NOT NULL, count int NOT NULL, item bigint NOT NULL, PRIMARY KEY (order_id, number))`

// Design is what distinguishes one publisher from another.
type Design struct {
	Before    string                                             // SQL at the beginning of an order's transaction
	Position  string                                             // SQL expression for the order's position
	Validator func(h http.Header, last int64, updated time.Time) // sets the validator of the feed, given its last entry
}

// OneByOne gives out positions under a lock: the next order waits until the one before it is committed.
var OneByOne = Design{Before: "SELECT pg_advisory_xact_lock(2)", Position: "(SELECT coalesce(max(id), 0) + 1 FROM orders)", Validator: ETag}

// ETag makes the last position the feed's ETag.
func ETag(h http.Header, last int64, _ time.Time) { h.Set("ETag", fmt.Sprintf(`"%d"`, last)) }

// Publish runs a publisher of orders.
func Publish(design Design) {
	serve(orderTables, func(_ context.Context, db *pgxpool.Pool, mux *http.ServeMux) {
		mux.HandleFunc("GET /order/", func(w http.ResponseWriter, r *http.Request) { respond(w, r, http.StatusOK, []string{}, nil) })
		mux.HandleFunc("GET /order/feed", func(w http.ResponseWriter, r *http.Request) {
			document, err := design.feed(r, db, w.Header())
			respond(w, r, http.StatusOK, document, err)
		})
		mux.HandleFunc("POST /order/", func(w http.ResponseWriter, r *http.Request) {
			var d draft
			err := json.NewDecoder(r.Body).Decode(&d)
			var o json.RawMessage
			if err == nil {
				o, err = design.place(r.Context(), db, d, r.Header.Get("Idempotency-Key"))
			}
			respond(w, r, http.StatusCreated, o, err)
		})
	})
}

// respond sends v as JSON, or 304 if the request's validator matches.
func respond(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	body, invalid := json.Marshal(v)
	if err != nil || invalid != nil {
		log.Print(err, invalid)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	if status != http.StatusOK {
		w.WriteHeader(status)
		w.Write(body)
		return
	}
	modified, _ := http.ParseTime(w.Header().Get("Last-Modified"))
	http.ServeContent(w, r, "", modified, bytes.NewReader(body))
}

// draft is an order as a client sends it.
type draft struct {
	Customer int64           `json:"customer"`
	Shipping json.RawMessage `json:"shippingAddress"`
	Billing  json.RawMessage `json:"billingAddress"`
	Lines    []struct {
		Count int   `json:"count"`
		Item  int64 `json:"item"`
	} `json:"orderLine"`
}

// place saves an order in a transaction and returns it. A repeated request returns the order that the first one placed.
func (design Design) place(ctx context.Context, db *pgxpool.Pool, d draft, request string) (o json.RawMessage, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, design.Before); err != nil {
			return err
		}
		var id int64
		err := tx.QueryRow(ctx, "INSERT INTO orders (id, request) VALUES ("+design.Position+", $1) ON CONFLICT (request) DO NOTHING RETURNING id", request).Scan(&id)
		if err == pgx.ErrNoRows {
			return tx.QueryRow(ctx, "SELECT snapshot FROM orders WHERE request = $1", request).Scan(&o)
		}
		if err != nil {
			return err
		}
		for i, l := range d.Lines {
			if _, err := tx.Exec(ctx, "INSERT INTO order_line VALUES ($1, $2, $3, $4)", id, i+1, l.Count, l.Item); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, saveSnapshot, id, d.Customer, d.Shipping, d.Billing).Scan(&o)
	})
	return o, err
}

// saveSnapshot stores an order as the JSON that clients and the feed get, and returns that.
const saveSnapshot = `
	UPDATE orders SET snapshot = json_build_object('id', id, 'updated', updated, 'status', 'placed',
		'customer', json_build_object('customerId', $2::bigint), 'shippingAddress', $3::json, 'billingAddress', $4::json,
		'orderLine', (SELECT json_agg(json_build_object('count', l.count, 'item', json_build_object('itemId', l.item, 'name', 'Item ' || l.item, 'price', 1.05)) ORDER BY l.number)
			FROM order_line l WHERE l.order_id = id))
	WHERE id = $1 RETURNING snapshot`

// feed returns the document with the newest 100 entries, or with the 100 entries before the position in the query.
func (design Design) feed(r *http.Request, db *pgxpool.Pool, h http.Header) (any, error) {
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
	var snapshot string
	items := []map[string]any{}
	links := map[string]string{}
	_, err = pgx.ForEachRow(rows, []any{&id, &updated, &snapshot}, func() error {
		if len(items) == 0 && r.FormValue("before") == "" {
			design.Validator(h, id, updated)
		}
		items = append(items, map[string]any{"id": strconv.FormatInt(id, 10), "date_modified": updated.UTC(),
			"_msatom": map[string]any{"position": id, "subject": id, "kind": "placed", "snapshot": json.RawMessage(snapshot)}})
		return nil
	})
	if len(items) == 100 {
		links["prev-archive"] = fmt.Sprintf("%s/order/feed?before=%d", r.Header.Get("X-Public-URL"), id)
	}
	return map[string]any{"items": items, "_msatom": map[string]any{"links": links}}, err
}

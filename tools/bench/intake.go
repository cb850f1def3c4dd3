package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"msatom/shared/outbox"
	"msatom/shared/postgres"
)

// Taking orders with 32 writers: through the service, and what the log adds to plain inserts.

const writers = 32

func intakePart(b *bench) {
	order := b.order()
	defer order.stop()
	pool := must(pgxpool.New(b.ctx, fmt.Sprintf("%s&pool_max_conns=%d", order.database, postgres.MaxConns)))
	defer pool.Close()
	place(order, 2)
	snapshot := query[string](b, order.database, "SELECT snapshot::text FROM outbox_event")[0]
	// The same rows as of that order.
	bare := func() error {
		ctx := b.ctx
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			var id int64
			err := tx.QueryRow(ctx, `INSERT INTO orders (customer_id, status, changed, total, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
				VALUES (1, 'placed', now(), 84, 'Krischerstr. 100', '40789', 'Monheim am Rhein', 'Krischerstr. 100', '40789', 'Monheim am Rhein') RETURNING id`).Scan(&id)
			if err == nil {
				_, err = tx.Exec(ctx, "INSERT INTO order_line (order_id, number, count, item_id, name, price) VALUES ($1, 1, 2, 1, 'iPod', 42)", id)
			}
			if err == nil {
				_, err = tx.Exec(ctx, "INSERT INTO outbox_event (subject, kind, withdraws, snapshot) VALUES ($1, 'placed', false, $2)", id, snapshot)
			}
			return err
		})
	}
	s := b.alternate("intake", 5, 2*time.Second, many(writers, post(order, "application/json", string(anOrder(2)), http.StatusCreated)),
		many(writers, post(order, "application/x-www-form-urlencoded", aForm, http.StatusSeeOther)), many(writers, bare))
	b.compare("orders through the service, JSON", "/s", s[0], s[2], "bare inserts of the same rows", goal{})
	b.compare("orders through the service, form", "/s", s[1], s[2], "bare inserts of the same rows", goal{})
	b.logShare(snapshot)
}

// aForm is the order of anOrder(2) as a browser sends it.
var aForm = url.Values{
	"customer": {"1"}, "orderLine[0].item": {"1"}, "orderLine[0].count": {"2"},
	"shippingAddress.street": {"Krischerstr. 100"}, "shippingAddress.zip": {"40789"}, "shippingAddress.city": {"Monheim am Rhein"},
	"billingAddress.street": {"Krischerstr. 100"}, "billingAddress.zip": {"40789"}, "billingAddress.city": {"Monheim am Rhein"},
}.Encode()

// post sends an order and wants a status in return.
func post(order *process, contentType, body string, status int) func() error {
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: writers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func() error {
		res, err := client.Post(order.url()+"/order/", contentType, strings.NewReader(body))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if said, err := io.ReadAll(res.Body); err != nil || res.StatusCode != status {
			return fmt.Errorf("%s: status %d, %w: %.500s", contentType, res.StatusCode, err, bytes.TrimSpace(said))
		}
		return nil
	}
}

// logShare compares an insert whose event goes through the log with one whose event gets its position from a bigserial: no outbox,
// no sequencer, no waiting. Readers of such a log lose entries.
func (b *bench) logShare(snapshot string) {
	database := b.database()
	db := must(postgres.Open(postgres.Config{URL: database}))
	defer db.Pool.Close()
	log := outbox.New(db)
	ctx, cancel := context.WithCancel(b.ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	ready := make(chan struct{})
	running.Go(func() { db.Watch(ctx, []postgres.Migration{outbox.Migration()}, func() { close(ready) }) })
	<-ready
	running.Go(func() { log.Run(ctx) })
	b.sql(database, "CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, street text, zip text, city text)",
		"CREATE TABLE loose_event (id bigserial PRIMARY KEY, subject bigint NOT NULL, kind text NOT NULL, withdraws boolean NOT NULL, reply_to text NOT NULL DEFAULT '', snapshot json NOT NULL)",
		"CREATE INDEX ON loose_event (subject, id)")
	// As in the service, writers have half of the connections, so that the log can always have one.
	connections := make(chan struct{}, postgres.MaxConns/2)
	insert := func(event func(tx *gorm.DB, id int64) error) error {
		connections <- struct{}{}
		defer func() { <-connections }()
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			var id int64
			if err := tx.Raw("INSERT INTO thing (street, zip, city) VALUES ('Krischerstr. 100', '40789', 'Monheim am Rhein') RETURNING id").Scan(&id).Error; err != nil {
				return err
			}
			return event(tx, id)
		})
	}
	with := func() error {
		err := insert(func(tx *gorm.DB, id int64) error {
			return log.Append(tx, outbox.Event{Subject: id, Kind: "placed", Snapshot: []byte(snapshot)})
		})
		if err != nil {
			return err
		}
		return log.Publish(ctx)
	}
	without := func() error {
		return insert(func(tx *gorm.DB, id int64) error {
			return tx.Exec("INSERT INTO loose_event (subject, kind, withdraws, snapshot) VALUES (?, 'placed', false, ?)", id, snapshot).Error
		})
	}
	s := b.alternate("the log's share", 5, 2*time.Second, many(writers, with), many(writers, without))
	b.compare("inserts with the log, each waiting for its publication", "/s", s[0], s[1], "the same without any order guarantee", atLeast(0.8))
}

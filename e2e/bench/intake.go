package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/page"
	"msatom/shared/postgres"
)

// Taking orders: through the service, and what the log adds to the mere writing.

const intakeText = `32 writers. *Bare inserts* are the rows of an order (order, line, event), written by pgx in one transaction each, over as many connections as the
service has. *Without order guarantee* is the same transaction by the same library as with the log, but the event's position is a bigserial: no outbox, no sequencer,
nothing is waited for; readers of such a log lose entries.`

const writers = 32

func intakePart(ctx context.Context, b *bench) error {
	database, order, err := b.order(ctx)
	if err != nil {
		return err
	}
	defer order.stop()
	pool, err := pgxpool.New(ctx, fmt.Sprintf("%s&pool_max_conns=%d", database, postgres.MaxConns))
	if err != nil {
		return err
	}
	defer pool.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}}
	defer client.CloseIdleConnections()
	service := func(ctx context.Context) error {
		res, err := client.Post(order.url()+"/order/", "application/json", bytes.NewReader(anOrder))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusCreated {
			return fmt.Errorf("status %d, %w", res.StatusCode, err)
		}
		return nil
	}
	bare := func(ctx context.Context) error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		var id int64
		err = tx.QueryRow(ctx, `INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
			VALUES (1, 'placed', now(), 'Krischerstr. 100', '40789', 'Monheim am Rhein', 'Krischerstr. 100', '40789', 'Monheim am Rhein') RETURNING id`).Scan(&id)
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO order_line VALUES ($1, 1, 2, 1, 'iPod', 42)", id)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO feed_event (subject, kind, withdraws, snapshot) VALUES ($1, 'placed', false, $2)", id, aSnapshot)
		}
		if err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
	p, err := b.alternateFor(ctx, "intake", b.rounds(5), b.length(2*time.Second), many(writers, service), many(writers, bare))
	if err != nil {
		return err
	}
	b.compare("orders through the service", "/s", p, "bare inserts", goal{})
	return b.logShare(ctx)
}

var aSnapshot = json.RawMessage(`{"id": 1, "status": "placed", "customer": {"customerId": 1, "name": "Wolff", "firstname": "Eberhard", "email": "eberhard.wolff@example.com"},
	"shippingAddress": {"street": "Krischerstr. 100", "zip": "40789", "city": "Monheim am Rhein"}, "billingAddress": {"street": "Krischerstr. 100", "zip": "40789", "city": "Monheim am Rhein"},
	"orderLine": [{"count": 2, "item": {"itemId": 1, "name": "iPod", "price": 42.00}}], "numberOfLines": 1}`)

// logShare compares the same insert with and without the log.
func (b *bench) logShare(ctx context.Context) error {
	database, err := b.database(ctx)
	if err != nil {
		return err
	}
	db, err := postgres.Open(postgres.Config{URL: database})
	if err != nil {
		return err
	}
	defer db.Pool.Close()
	log := feed.NewLog(db, feed.About{Name: "thing", Pages: page.New("thing", "bench", embed.FS{})})
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	ready := make(chan struct{})
	running.Go(func() { db.Watch(ctx, []postgres.Migration{feed.Migration()}, nil, func() { close(ready) }) })
	<-ready
	running.Go(func() { log.Run(ctx) })
	err = b.sql(ctx, database, "CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, street text, zip text, city text)",
		"CREATE TABLE loose_event (id bigserial PRIMARY KEY, subject bigint NOT NULL, kind text NOT NULL, withdraws boolean NOT NULL, reply_to text NOT NULL DEFAULT '', snapshot json NOT NULL)",
		"CREATE INDEX ON loose_event (subject, id)")
	if err != nil {
		return err
	}
	// As in the service, writers have half of the connections, and the log can always have one.
	connections := make(chan struct{}, postgres.MaxConns/2)
	transaction := func(ctx context.Context, f func(tx *gorm.DB) error) error {
		connections <- struct{}{}
		defer func() { <-connections }()
		return db.WithContext(ctx).Transaction(f)
	}
	insert := func(tx *gorm.DB) (id int64, err error) {
		err = tx.Raw("INSERT INTO thing (street, zip, city) VALUES ('Krischerstr. 100', '40789', 'Monheim am Rhein') RETURNING id").Scan(&id).Error
		return id, err
	}
	with := func(ctx context.Context) error {
		err := transaction(ctx, func(tx *gorm.DB) error {
			id, err := insert(tx)
			if err != nil {
				return err
			}
			return log.Append(tx, feed.Event{Subject: id, Kind: "placed", Snapshot: aSnapshot})
		})
		if err != nil {
			return err
		}
		return log.Publish(ctx)
	}
	without := func(ctx context.Context) error {
		return transaction(ctx, func(tx *gorm.DB) error {
			id, err := insert(tx)
			if err != nil {
				return err
			}
			return tx.Exec("INSERT INTO loose_event (subject, kind, withdraws, snapshot) VALUES (?, 'placed', false, ?)", id, string(aSnapshot)).Error
		})
	}
	busy := func() error {
		_, err := many(writers, with)(ctx, b.length(2*time.Second))
		return err
	}
	p, err := b.alternateFor(ctx, "the log's share", b.rounds(7), b.length(2*time.Second), many(writers, with), many(writers, without))
	if err != nil {
		return err
	}
	b.compare("inserts with the log, each waits until it is published", "/s", p, "without order guarantee", atLeast(0.8).because(`an event with a position is in three indexes more (outbox, position, event of a position), and a second commit gives the
positions, one for all that wait at that moment.`).shown(together(ownSpends(busy), b.statements(ctx, database, busy))))
	return nil
}

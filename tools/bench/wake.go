package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"msatom/tools/plot"
)

// From an order to its invoice, by a waiting poll: from the response to the order until Postgres reports that the
// transaction with the invoice is committed.

func wakePart(b *bench) {
	orders := 400
	if b.quick {
		orders = 20
	}
	order := b.order()
	defer order.stop()
	invoicing := b.service("invoicing", b.database(), "FEED_URL="+order.url()+"/order/feed", "POLL_WAIT=25s")
	defer invoicing.stop()
	committed := b.connect(invoicing.database)
	defer committed.Close(b.ctx)
	for _, s := range []string{
		"CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('committed', new.id::text); RETURN new; END $$",
		"CREATE TRIGGER tell AFTER INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION tell()",
		"LISTEN committed",
	} {
		must(committed.Exec(b.ctx, s))
	}
	var took samples
	for i := range orders + 10 {
		b.progress("waiting poll: order %d of %d", i, orders)
		id, answered := place(order, 2)
		at := b.notified(committed, id)
		if i >= 10 { // the first ones make connections
			took = append(took, max(0, at.Sub(answered).Seconds()*1000))
		}
	}
	for _, q := range []struct {
		text  string
		share float64
		goal  goal
	}{{"median", 0.5, below(4, "ms")}, {"99 of 100", 0.99, below(10, "ms")}} {
		b.show("order answered to invoice committed, "+q.text, "ms", took.batches(4, func(s samples) float64 { return s.quantile(q.share) }), q.goal)
	}
	b.plots = append(b.plots, figure{"wake", plot.Plot{Title: "From an order's response to its committed invoice, waiting poll", X: "milliseconds", Y: "share of the orders",
		Lines: []plot.Line{{Name: fmt.Sprintf("%d orders", len(took)), Points: plot.Distribution(took)}}}})
}

// notified waits for the notification of an id and returns when it arrived.
func (b *bench) notified(c *pgx.Conn, id int64) time.Time {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			check(fmt.Errorf("invoice of order %d: %w", id, err))
		}
		if n.Payload == strconv.FormatInt(id, 10) {
			return time.Now()
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long it takes from the answer to an order until its invoice is committed: by a consumer that waits for news, and by consumers that
// ask every 5 and every 30 seconds.

const wakeText = `Measured from the moment at which the answer to the order is there until Postgres says that the transaction with its invoice is committed. *The
paper* is "Reliable Data Distribution and Consistent Data Replication using the Atom Syndication Technology"; its figure 5 has a mean of 8.2 s where everybody asks every 5 s.`

const aWake = `between the two are the rendering and the reading of a document with the new entries, the consumer's transaction, and the fsync of its commit.`

func wakePart(ctx context.Context, b *bench) error {
	orders, window := 400, 60*time.Second
	if b.quick {
		orders, window = 10, 0
	}
	_, order, err := b.order(ctx)
	if err != nil {
		return err
	}
	defer order.stop()
	feed := "FEED_URL=" + order.url() + "/order/feed"
	waiting, err := b.consumer(ctx, feed, "POLL_WAIT=25s")
	if err != nil {
		return err
	}
	defer waiting.stop()
	var took samples
	for i := range orders + 10 {
		b.progress("waiting poll: order %d of %d", i, orders)
		id, answered, err := place(ctx, order.url())
		if err != nil {
			return err
		}
		written, err := waiting.written(ctx, id)
		if err != nil {
			return err
		}
		if i >= 10 { // the first make connections
			took = append(took, max(0, written.Sub(answered).Seconds()*1000))
		}
	}
	where := together(b.spends(ctx, "order", order, orderly(order)), b.spends(ctx, "invoicing", waiting.process, orderly(order)))
	b.show("waiting poll, half of the orders", "ms", samples{took.median()}, below(4, "ms").because(aWake).shown(where))
	b.show("waiting poll, 99 of 100 orders", "ms", samples{took.quantile(0.99)}, below(10, "ms").because(aWake).shown(where))
	b.plot(&plot{name: "wake", title: "From the answer to an order to its committed invoice, waiting poll", x: "milliseconds", y: "part of the orders",
		lines: []line{{"of " + fmt.Sprint(len(took)) + " orders", distribution(took)}}})
	if b.quick {
		return nil
	}

	var consumers []*consumer
	for _, s := range []int{5, 30} {
		c, err := b.consumer(ctx, feed, fmt.Sprintf("POLL_SCHEDULE=@every %ds", s))
		if err != nil {
			return err
		}
		defer c.stop()
		consumers = append(consumers, c)
	}
	answered := map[int64]time.Time{}
	for end := time.Now().Add(window); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		b.progress("polls every 5 and every 30 seconds: %d orders, %.0f seconds left", len(answered), time.Until(end).Seconds())
		id, at, err := place(ctx, order.url())
		if err != nil {
			return err
		}
		answered[id] = at
	}
	for i, c := range consumers {
		var took samples
		for id, at := range answered {
			written, err := c.written(ctx, id)
			if err != nil {
				return err
			}
			took = append(took, written.Sub(at).Seconds())
		}
		mean := samples{took.mean()}
		if i == 0 {
			b.compare("poll every 5 s, mean", "s", pair{mean, samples{8.2}}, "the paper's figure 5", goal{})
			b.show("the same", "s", mean, below(3, "s"))
		} else {
			b.show("poll every 30 s, mean", "s", mean, below(16, "s"))
		}
	}
	return nil
}

// orderly is a load: one order after the other.
func orderly(order *process) measure {
	return many(1, func(ctx context.Context) error {
		_, _, err := place(ctx, order.url())
		return err
	})
}

// distribution is the part of samples that are at most as high as each of them.
func distribution(s samples) (points [][2]float64) {
	for i, v := range slices.Sorted(slices.Values(s)) {
		points = append(points, [2]float64{v, float64(i+1) / float64(len(s))})
	}
	return points
}

// place places an order and returns its id, and when its answer was there.
func place(ctx context.Context, url string) (id int64, answered time.Time, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/order/", bytes.NewReader(anOrder))
	if err != nil {
		return 0, answered, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, answered, err
	}
	defer res.Body.Close()
	answered = time.Now()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusCreated {
		return 0, answered, fmt.Errorf("placing an order: status %d, %w: %s", res.StatusCode, err, body)
	}
	var o struct{ ID int64 }
	err = json.Unmarshal(body, &o)
	return o.ID, answered, err
}

var anOrder = []byte(`{"customer": 1, "orderLine": [{"count": 2, "item": 1}],
	"shippingAddress": {"street": "Krischerstr. 100", "zip": "40789", "city": "Monheim am Rhein"},
	"billingAddress": {"street": "Krischerstr. 100", "zip": "40789", "city": "Monheim am Rhein"}}`)

// consumer is an instance of invoicing, and when each of its invoices was committed.
type consumer struct {
	*process
	end context.CancelFunc

	mu      sync.Mutex
	seen    map[int64]time.Time
	changed chan struct{} // closed when there is another
}

func (b *bench) consumer(ctx context.Context, env ...string) (*consumer, error) {
	database, err := b.database(ctx)
	if err != nil {
		return nil, err
	}
	p, err := b.service(ctx, "invoicing", database, env...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &consumer{process: p, end: cancel, seen: map[int64]time.Time{}, changed: make(chan struct{})}
	err = b.sql(ctx, database,
		`CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('written', new.id::text); RETURN new; END $$`,
		`CREATE TRIGGER tell AFTER INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION tell()`)
	var listen *pgx.Conn
	if err == nil {
		listen, err = pgx.Connect(ctx, database)
	}
	if err == nil {
		_, err = listen.Exec(ctx, "LISTEN written")
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	go c.hear(ctx, listen)
	return c, nil
}

func (c *consumer) stop() {
	c.end()
	c.process.stop()
}

func (c *consumer) hear(ctx context.Context, listen *pgx.Conn) {
	defer listen.Close(context.WithoutCancel(ctx))
	for {
		n, err := listen.WaitForNotification(ctx)
		if err != nil {
			return // the end, or the orders are then missed
		}
		now := time.Now()
		id, _ := strconv.ParseInt(n.Payload, 10, 64)
		c.mu.Lock()
		c.seen[id] = now
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
	}
}

// written waits for an order's invoice.
func (c *consumer) written(ctx context.Context, order int64) (time.Time, error) {
	late := time.After(time.Minute)
	for {
		c.mu.Lock()
		at, ok := c.seen[order]
		changed := c.changed
		c.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-changed:
		case <-late:
			return at, fmt.Errorf("no invoice for order %d within a minute", order)
		case <-ctx.Done():
			return at, ctx.Err()
		}
	}
}

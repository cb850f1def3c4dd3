package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// The feed of order, from 1,000 to 1,000,000 orders: what a poll without news costs, a document, and a document after each new
// order.

const feedText = `The services and the yardsticks are asked directly, over 32 connections, by a client that is Go's http.Client as in the consumers. Where *bare sockets* are named, the
client does so little itself that hardly more than the server is measured. *304* is a conditional GET of the recent document without news; its yardstick, echo, answers 304 and does nothing
else: no header, no negotiation, no metric, no time-out. The original looks for the latest change in the whole table each time. *Cold* is the recent document right after a new order.`

func feedPart(ctx context.Context, b *bench) error {
	database, err := b.database(ctx)
	if err != nil {
		return err
	}
	order, err := b.service(ctx, "order", database)
	if err != nil {
		return err
	}
	defer order.stop()
	bare, err := b.yardstick(ctx, "not-modified", "")
	if err != nil {
		return err
	}
	defer bare.stop()
	original, err := b.yardstick(ctx, "max", database)
	if err != nil {
		return err
	}
	defer original.stop()
	sizes := []int{1_000, 100_000, 1_000_000}
	if b.quick {
		sizes = []int{1_000, 2_000, 3_000}
	}
	var notModified []samples
	var cold samples
	against := map[string]*line{}
	filled := 0
	for _, size := range sizes {
		b.progress("making %s orders", thousands(int64(size)))
		if err := b.fill(ctx, database, filled+1, size); err != nil {
			return err
		}
		filled = size
		orders := " at " + thousands(int64(size)) + " orders"
		etag, err := settledTag(ctx, order.url()+"/order/feed")
		if err != nil {
			return err
		}
		conditional := "Accept: application/atom+xml\r\nIf-None-Match: " + etag + "\r\n"
		ours := load{order.addr, fixed("/order/feed"), conditional, 304, 32}
		yardstick := load{bare.addr, fixed("/order/feed"), conditional, 304, 32}
		p, err := b.alternate(ctx, "304"+orders, ours.byClient, yardstick.byClient)
		if err != nil {
			return err
		}
		b.compare("304 of the recent document"+orders, "/s", p, "echo, 304 and nothing else", atLeast(0.8).because(`the yardstick has no chain around its handler
(metrics, security headers, limits, check of the origin), looks at nothing, and has fewer headers to write.`).shown(b.spends(ctx, "order", order, ours.byClient)))
		notModified = append(notModified, p.ratios())
		if size == sizes[0] {
			if err := b.atTheServer(ctx, order, bare, ours, yardstick); err != nil {
				return err
			}
		}

		theirs := load{original.addr, fixed("/feed"), "If-Modified-Since: " + time.Now().Add(time.Second).UTC().Format(http.TimeFormat) + "\r\n", 304, 8}
		q, err := b.alternateFor(ctx, "the original's 304"+orders, b.rounds(3), b.length(time.Second), ours.perSecond, theirs.perSecond)
		if err != nil {
			return err
		}
		g := goal{}
		if size == 1_000_000 {
			g = atLeast(500)
		}
		b.compare("the same, against the original's way"+orders, "/s", q, "max over the table, no index", g)
		c, err := b.cold(ctx, order, orders)
		if err != nil {
			return err
		}
		cold = append(cold, c)
		filled += b.placed
		for name, v := range map[string]float64{"this system": p.a.median(), "the original's way": q.b.median(), "echo": p.b.median()} {
			if against[name] == nil {
				against[name] = &line{name: name}
			}
			against[name].points = append(against[name].points, [2]float64{float64(size), v})
		}
	}
	last := len(sizes) - 1
	b.show(fmt.Sprintf("cold, at %s by at %s orders", thousands(int64(sizes[last])), thousands(int64(sizes[0]))), "", samples{cold[last] / cold[0]}, goal{})
	flat := notModified[last].median() / notModified[0].median()
	b.show(fmt.Sprintf("304 at %s by 304 at %s orders, each beside its yardstick", thousands(int64(sizes[last])), thousands(int64(sizes[0]))), "", samples{flat}, atLeast(0.9))
	b.plot(&plot{name: "304", title: "Polls without news", x: "orders", y: "answers 304 per second", logX: true, logY: true,
		lines: []line{*against["echo"], *against["this system"], *against["the original's way"]}})

	if err := b.archived(ctx, order); err != nil {
		return err
	}
	return b.uncached(ctx, order, database, int64(filled))
}

// atTheServer compares what a 304 costs where it is made.
func (b *bench) atTheServer(ctx context.Context, order, bare *process, ours, yardstick load) error {
	p, err := b.alternate(ctx, "304, bare sockets", ours.perSecond, yardstick.perSecond)
	if err != nil {
		return err
	}
	b.compare("the same, bare sockets", "/s", p, "echo, 304 and nothing else", goal{})
	p, err = b.alternate(ctx, "304, processor time", order.costs(ours.perSecond), bare.costs(yardstick.perSecond))
	if err != nil {
		return err
	}
	b.compare("processor time of the server for each", "µs", p, "echo, 304 and nothing else", goal{})
	return nil
}

// cold times the recent document, each time after a new order.
func (b *bench) cold(ctx context.Context, order *process, orders string) (float64, error) {
	var took samples
	for range b.rounds(40) {
		if _, _, err := place(ctx, order.url()); err != nil {
			return 0, err
		}
		began := time.Now()
		if _, _, err := get(ctx, order.url()+"/order/feed", "Accept", "application/atom+xml"); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began).Seconds()*1000)
	}
	b.placed = len(took)
	b.show("recent document, cold"+orders, "ms", samples{took.median()}, goal{})
	return took.median(), nil
}

// archived compares an archived document with the same bytes from a bare handler.
func (b *bench) archived(ctx context.Context, order *process) error {
	_, body, err := get(ctx, order.url()+"/order/feed/1", "Accept", "application/atom+xml", "Accept-Encoding", "identity")
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, "document")
	if err := os.WriteFile(file, body, 0o644); err != nil {
		return err
	}
	bare, err := b.yardstick(ctx, "bytes", file)
	if err != nil {
		return err
	}
	defer bare.stop()
	header := "Accept: application/atom+xml\r\n"
	ours := load{order.addr, fixed("/order/feed/1"), header, 200, 32}.byClient
	p, err := b.alternate(ctx, "archived document", ours, load{bare.addr, fixed("/order/feed/1"), header, 200, 32}.byClient)
	if err != nil {
		return err
	}
	b.compare(fmt.Sprintf("archived document, %.0f kB", float64(len(body))/1000), "/s", p, "the same bytes, net/http and nothing else", atLeast(0.9).because(`as for a 304: the chain around
every handler, the look at what is kept, and ten more headers to write. The yardstick copies the bytes and does nothing else.`).shown(b.spends(ctx, "order", order, ours)))
	return nil
}

const aRendering = `a document is also compressed, which the yardstick does not do, and each stored snapshot is checked when it is written. That is once
for each document that is asked for: from then on it is an archived document as above.`

// uncached asks for documents that nobody has asked for before.
func (b *bench) uncached(ctx context.Context, order *process, database string, filled int64) error {
	other, err := b.yardstick(ctx, "preload", database)
	if err != nil {
		return err
	}
	defer other.stop()
	// Every document is asked for once, from the newest to the oldest: what is kept of it is long gone when they begin anew.
	documents := filled/100 - 1
	next, theirs := int64(0), int64(0)
	walk := func(at *int64, format string) func(int64) string {
		return func(n int64) string { return fmt.Sprintf(format, documents-(*at+n)%documents) }
	}
	step := func(l load, at *int64) measure {
		return func(ctx context.Context, d time.Duration) (float64, error) {
			v, err := l.perSecond(ctx, d)
			*at += int64(v*d.Seconds()) + int64(l.conns)
			return v, err
		}
	}
	for _, dialect := range []struct {
		name, mediaType string
		goal            goal
	}{{"JSON", "application/json", atLeast(8).because(aRendering)}, {"Atom", "application/atom+xml", goal{}}} {
		ours := step(load{order.addr, walk(&next, "/order/feed/%d"), "Accept: " + dialect.mediaType + "\r\n", 200, 8}, &next)
		if dialect.goal.met != nil {
			dialect.goal = dialect.goal.shown(b.spends(ctx, "order", order, ours))
		}
		p, err := b.alternate(ctx, "uncached document, "+dialect.name, ours,
			step(load{other.addr, walk(&theirs, "/%d"), "", 200, 8}, &theirs))
		if err != nil {
			return err
		}
		b.compare("document that nobody has asked for before, "+dialect.name, "/s", p, "gorm with Preload, gorilla/feeds", dialect.goal)
	}
	return nil
}

// fill makes the orders from one number to another, with a line each, long published.
func (b *bench) fill(ctx context.Context, database string, from, to int) error {
	series := fmt.Sprintf("generate_series(%d, %d) i", from, to)
	return b.sql(ctx, database,
		`INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
			SELECT 1 + i % 2, 'placed', now() - interval '1 hour', 'Krischerstr. 100', '40789', 'Monheim am Rhein', 'Krischerstr. 100', '40789', 'Monheim am Rhein' FROM `+series,
		`INSERT INTO order_line SELECT i, 1, 1 + i % 9, 1, 'iPod', 42 FROM `+series,
		`INSERT INTO feed_event (subject, kind, withdraws, snapshot) SELECT i, 'placed', false, json_build_object('id', i, 'status', 'placed',
			'customer', json_build_object('customerId', 1 + i % 2, 'name', 'Wolff', 'firstname', 'Eberhard', 'email', 'eberhard.wolff@example.com'),
			'shippingAddress', json_build_object('street', 'Krischerstr. 100', 'zip', '40789', 'city', 'Monheim am Rhein'),
			'billingAddress', json_build_object('street', 'Krischerstr. 100', 'zip', '40789', 'city', 'Monheim am Rhein'),
			'orderLine', json_build_array(json_build_object('count', 1 + i % 9, 'item', json_build_object('itemId', 1, 'name', 'iPod', 'price', 42.00))),
			'numberOfLines', 1) FROM `+series,
		`INSERT INTO feed_position SELECT id, id, date_trunc('second', now()) - interval '1 hour' FROM feed_event WHERE id > `+fmt.Sprint(from-1)+` ORDER BY id`,
		"SELECT pg_notify('feed_' || current_schema(), max(position)::text) FROM feed_position",
		"VACUUM ANALYZE", "CHECKPOINT")
}

// settledTag returns the entity tag of what is at an address, once it does not change any more.
func settledTag(ctx context.Context, url string) (etag string, err error) {
	for before := "?"; ; before = etag {
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
		if err != nil {
			return "", err
		}
		r.Header.Set("Cache-Control", "no-cache")
		r.Header.Set("Accept-Encoding", "identity")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		res.Body.Close()
		if etag = res.Header.Get("ETag"); etag == before {
			return etag, nil
		}
	}
}

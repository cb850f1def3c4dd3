package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Thousands who wait for news at one instance.

const waitersText = `Each holds a connection of its own to one instance of order, and sends a conditional GET with *Prefer: wait=50*. Then an order is placed; the time is
taken until the last of them has its whole answer, a document with that order.`

func waitersPart(ctx context.Context, b *bench) error {
	clients := 2000
	if b.quick {
		clients = 200
	}
	database, order, err := b.order(ctx)
	if err != nil {
		return err
	}
	defer order.stop()
	if err := b.fill(ctx, database, 1, 150); err != nil {
		return err
	}
	wake := func() (time.Duration, error) {
		etag, err := settledTag(ctx, order.url()+"/order/feed")
		if err != nil {
			return 0, err
		}
		return b.wakeAll(ctx, order, etag, clients)
	}
	var woken samples
	for round := range b.rounds(5) {
		took, err := wake()
		if err != nil {
			return err
		}
		if round > 0 || b.quick {
			woken = append(woken, took.Seconds()*1000)
		}
	}
	again := func(_ context.Context, d time.Duration) (_ float64, err error) {
		for began := time.Now(); err == nil && time.Since(began) < d; {
			_, err = wake()
		}
		return 0, err
	}
	b.show(fmt.Sprintf("time to wake %s waiting clients", thousands(int64(clients))), "ms", woken, below(250, "ms").
		because("2,000 answers of 45 kB are written on the cores on which the clients read them.").shown(b.spends(ctx, "order", order, again)))
	peak, err := rss(order.pid(), "VmHWM")
	b.show("most memory of order meanwhile", "MB", samples{peak}, below(64, "MB"))
	return err
}

func (b *bench) wakeAll(ctx context.Context, order *process, etag string, clients int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var answered sync.WaitGroup
	failures := make(chan error, clients)
	for i := range clients {
		b.progress("waiting clients: %d", i+1)
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", order.addr)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		defer context.AfterFunc(ctx, func() { c.Close() })()
		if _, err := fmt.Fprintf(c, "GET /order/feed HTTP/1.1\r\nHost: %s\r\nAccept: application/atom+xml\r\nIf-None-Match: %s\r\nPrefer: wait=50\r\n\r\n", order.addr, etag); err != nil {
			return 0, err
		}
		answered.Go(func() {
			status, _, err := answer(bufio.NewReader(c))
			if err != nil || status != http.StatusOK {
				failures <- fmt.Errorf("a waiting client got %d, %w", status, err)
			}
		})
	}
	if err := order.waitMetric(ctx, `msatom_feed_waiting{feed="order"}`, float64(clients)); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, _, err := place(ctx, order.url()); err != nil {
		return 0, err
	}
	answered.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return time.Since(began), nil
	}
}

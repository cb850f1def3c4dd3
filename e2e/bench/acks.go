package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long it takes until order knows that all consumers have what it published: the paper's figures 5 and 6.

const acksText = `The time from the publishing of an entry until order has read the acknowledgement of every consumer. The paper's settings: consumers ask every 5 s, one of
eight every 20 s, and the publisher asks each of them every 5 s; here an order every half second for a minute. The slowest decides, so eight consumers stand beside one that
asks every 20 s. With waiting polls nobody asks by the clock.`

func acksPart(ctx context.Context, b *bench) error {
	window := 60 * time.Second
	if b.quick {
		window = time.Second
	}
	clock, waiting := []string{"ACK_WAIT=0s", "ACK_SCHEDULE=@every 5s"}, []string{"ACK_WAIT=25s"}
	every := func(s int) string { return fmt.Sprintf("POLL_SCHEDULE=@every %ds", s) }
	wait := "POLL_WAIT=25s"
	runs := []struct {
		env       []string
		consumers []string // environment of each
	}{
		{clock, []string{every(5)}},
		{clock, []string{every(20)}},
		{clock, append(slices.Repeat([]string{every(5)}, 7), every(20))},
		{waiting, []string{wait}},
		{waiting, slices.Repeat([]string{wait}, 8)},
	}
	if b.quick {
		runs = runs[3:]
	}
	var shops []*shop
	for _, r := range runs {
		s, err := b.shop(ctx, r.env, r.consumers)
		if err != nil {
			return err
		}
		defer s.stop()
		shops = append(shops, s)
	}
	orders := 0
	for end := time.Now().Add(window); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		b.progress("acknowledgements: %d orders, %.0f seconds left", orders, time.Until(end).Seconds())
		for _, s := range shops {
			if _, _, err := place(ctx, s.order.url()); err != nil {
				return err
			}
		}
		orders++
	}
	means := make(samples, len(shops))
	for i, s := range shops {
		b.progress("acknowledgements: the last ones")
		var err error
		if means[i], err = s.completion(ctx, orders); err != nil {
			return err
		}
	}
	within := goal{text: "≤ 1.1", met: func(v float64) bool { return v <= 1.1 }}
	if !b.quick {
		b.compare("1 consumer, mean", "s", pair{means[:1], samples{8.2}}, "the paper's figure 5", goal{text: "< 1", met: func(v float64) bool { return v < 1 }})
		b.compare("8 consumers, mean", "s", pair{means[2:3], means[1:2]}, "1 consumer that asks every 20 s", within)
		means = means[3:]
	}
	one, eight := shops[len(shops)-2], shops[len(shops)-1]
	b.compare("8 consumers, waiting polls, mean", "s", pair{means[1:2], means[:1]}, "1 consumer, waiting poll",
		within.because("the eight consumers, their publisher and Postgres do their work on the same cores, one after the other; where each has a machine of its own, the slowest decides.").
			shown(together(b.anOrderCosts(ctx, one), b.anOrderCosts(ctx, eight),
				b.spends(ctx, "order", eight.order, eight.orders()), b.spends(ctx, "one of the eight", eight.consumers[0], eight.orders()))))
	return nil
}

// shop is an order service with consumers that it hears of.
type shop struct {
	database  string
	order     *process
	consumers []*process
}

func (b *bench) shop(ctx context.Context, env, consumers []string) (*shop, error) {
	s := &shop{}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	var feeds []string
	for i, own := range consumers {
		database, err := b.database(ctx)
		if err != nil {
			return s, err
		}
		c, err := b.service(ctx, "invoicing", database, "FEED_URL=http://"+addr+"/order/feed", own)
		if err != nil {
			s.stop()
			return nil, err
		}
		s.consumers = append(s.consumers, c)
		feeds = append(feeds, fmt.Sprintf("consumer%d=%s/invoicing/feed", i+1, c.url()))
	}
	s.database, s.order, err = b.order(ctx, append(env, "ADDR="+addr, "ACK_FEEDS="+strings.Join(feeds, ","))...)
	if err != nil {
		s.stop()
		return nil, err
	}
	// The first order is not counted: whoever found nobody at the start has then found everybody.
	if _, _, err = place(ctx, s.order.url()); err == nil {
		err = until(ctx, s.database, "SELECT count(*) >= $1 FROM acknowledgement", len(consumers))
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// orders come one after the other, with a pause between them.
func (s *shop) orders() measure {
	return many(1, func(ctx context.Context) error {
		_, _, err := place(ctx, s.order.url())
		time.Sleep(100 * time.Millisecond)
		return err
	})
}

// anOrderCosts says how much processor time an order takes, from its placing to its last acknowledgement.
func (b *bench) anOrderCosts(ctx context.Context, s *shop) explanation {
	return func() (string, error) {
		programs := append([]*process{s.order}, s.consumers...)
		spent := func() (ms []float64, err error) {
			for _, p := range programs {
				t, err := p.processor()
				if err != nil {
					return nil, err
				}
				ms = append(ms, t.Seconds()*1000)
			}
			return ms, nil
		}
		before, err := spent()
		if err != nil {
			return "", err
		}
		seconds := b.length(5 * time.Second)
		perSecond, err := s.orders()(ctx, seconds)
		if err != nil {
			return "", err
		}
		after, err := spent()
		if err != nil {
			return "", err
		}
		orders, consumers := max(1, perSecond*seconds.Seconds()), 0.0
		for i := range s.consumers {
			consumers += (after[i+1] - before[i+1]) / orders
		}
		return fmt.Sprintf("With %d an order takes %s ms of processor time in order and %s in all consumers, besides Postgres.",
			len(s.consumers), number((after[0]-before[0])/orders), number(consumers)), nil
	}
}

func (s *shop) stop() {
	for _, c := range s.consumers {
		c.stop()
	}
	if s.order != nil {
		s.order.stop()
	}
}

// completion is the mean time until the last consumer's acknowledgement was read.
func (s *shop) completion(ctx context.Context, orders int) (mean float64, err error) {
	if err := until(ctx, s.database, "SELECT count(*) >= $1 FROM acknowledgement", (orders+1)*len(s.consumers)); err != nil {
		return 0, err
	}
	c, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, "SELECT avg(last) FROM (SELECT max(took) AS last FROM acknowledgement WHERE order_id > 1 GROUP BY order_id) o").Scan(&mean)
	return mean, err
}

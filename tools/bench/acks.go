package main

import (
	"fmt"
	"strings"
	"time"
)

// From the publication of an entry until order has read the acknowledgement of every consumer, by waiting polls: eight
// consumers beside one.

func acksPart(b *bench) {
	orders, pause := 100, 250*time.Millisecond
	if b.quick {
		orders, pause = 10, 50*time.Millisecond
	}
	var shops []*shop
	for _, consumers := range []int{1, 8} {
		s := b.shop(consumers)
		defer s.stop()
		shops = append(shops, s)
	}
	for i := range orders {
		b.progress("acknowledgements: order %d of %d", i, orders)
		for _, s := range shops {
			place(s.order, 2)
		}
		time.Sleep(pause)
	}
	took := make([]samples, len(shops))
	for i, s := range shops {
		b.acknowledged(s, orders+1)
		took[i] = samples(query[float64](b, s.order.database,
			"SELECT max(took) * 1000 FROM acknowledgement WHERE order_id > 1 GROUP BY order_id ORDER BY order_id")).batches(5, mean)
	}
	b.compare("published to acknowledged by 8 waiting consumers", "ms", took[1], took[0], "by 1 waiting consumer", atMost(1.1))
}

func mean(s samples) (sum float64) {
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s))
}

// shop is an order service with consumers whose acknowledgements it reads.
type shop struct {
	order     *process
	consumers []*process
}

func (b *bench) shop(consumers int) *shop {
	s := &shop{}
	addr := freeAddr()
	var feeds []string
	for i := range consumers {
		c := b.service("invoicing", b.database(), "FEED_URL=http://"+addr+"/order/feed", "POLL_WAIT=25s")
		s.consumers = append(s.consumers, c)
		feeds = append(feeds, fmt.Sprintf("consumer%d=%s/invoicing/feed", i+1, c.url()))
	}
	s.order = b.order("ADDR="+addr, "ACK_WAIT=25s", "ACK_FEEDS="+strings.Join(feeds, ","))
	// The first order does not count: services that did not find one another at the start have done so when it is acknowledged.
	place(s.order, 2)
	b.acknowledged(s, 1)
	return s
}

func (s *shop) stop() {
	for _, c := range s.consumers {
		c.stop()
	}
	s.order.stop()
}

// acknowledged waits until every consumer has acknowledged a number of orders.
func (b *bench) acknowledged(s *shop, orders int) {
	b.wait("acknowledgements", 20*time.Millisecond, func() bool {
		return query[bool](b, s.order.database, "SELECT count(*) >= $1 FROM acknowledgement", orders*len(s.consumers))[0]
	})
}

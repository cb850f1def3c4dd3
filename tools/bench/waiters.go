package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// 2,000 readers wait at one instance of order, each over its own connection: the memory that this takes, and the time from the
// placing of an order until the last of them has the whole document with it.

func waitersPart(b *bench) {
	readers, rounds := 2000, 5
	if b.quick {
		readers, rounds = 200, 1
	}
	order := b.order()
	defer order.stop()
	b.fill(order, 150)
	var woken samples
	for range rounds + 1 {
		woken = append(woken, b.wakeAll(order, readers).Seconds()*1000)
	}
	b.show(fmt.Sprintf("waking %s waiting readers", thousands(int64(readers))), "ms", woken[1:], below(250, "ms"))
	b.show("most memory of order meanwhile", "MB", samples{order.memory("VmHWM")}, below(128, "MB"))
}

func (b *bench) wakeAll(order *process, readers int) time.Duration {
	request := fmt.Sprintf("GET /order/feed HTTP/1.1\r\nHost: %s\r\n%sIf-None-Match: %s\r\nPrefer: wait=50\r\n\r\n", order.addr, atom, b.settledTag(order))
	answered := make(chan error, readers)
	for i := range readers {
		b.progress("waiting readers: %d", i+1)
		c := must(net.DialTimeout("tcp", order.addr, 10*time.Second))
		defer c.Close()
		check(c.SetDeadline(time.Now().Add(time.Minute)))
		must(io.WriteString(c, request))
		go func() {
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			answered <- (load{addr: order.addr, status: http.StatusOK}).check(res, err)
		}()
	}
	b.wait("waiting readers", 20*time.Millisecond, func() bool { return b.metric(order, "msatom_feed_waiting") >= float64(readers) })
	began := time.Now()
	place(order, 2)
	for range readers {
		check(<-answered)
	}
	return time.Since(began)
}

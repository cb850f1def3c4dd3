package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// What a service needs: the size of its program, its memory, the time it takes to start.

var services = []string{"order", "invoicing", "shipping"}

func footprintPart(b *bench) {
	entries := 20_000
	if b.quick {
		entries = 500
	}
	b.programs()
	order := b.order()
	defer order.stop()
	b.fill(order, entries)
	feed := "FEED_URL=" + order.url() + "/order/feed"
	for _, name := range services {
		database := order.database
		if name != "order" { // the most memory that a consumer takes while it reads all entries
			database = b.database()
			consumer := b.service(name, database, feed)
			b.caughtUp(consumer, entries)
			b.loaded(consumer)
			consumer.stop()
		}
		b.starts(name, database, feed)
	}
	b.load(order, int64(entries))
	b.loaded(order)
}

// programs builds the services as their images have them and shows their sizes. An image holds nothing else (docker/Dockerfile).
func (b *bench) programs() {
	dir := filepath.Join(b.dir, "image")
	b.build(b.root, dir, services...)
	for _, name := range services {
		b.show(name+": image", "MB", samples{float64(must(os.Stat(filepath.Join(dir, name))).Size()) / 1e6}, below(20, "MB"))
	}
}

// starts shows how long a service takes from the start of its process until it is ready, with a migrated database, and its memory
// some seconds later.
func (b *bench) starts(name, database, feed string) {
	starts, rest := 7, 5*time.Second
	if b.quick {
		starts, rest = 1, 0
	}
	var took, idle samples
	for n := range starts {
		began := time.Now()
		p := b.service(name, database, feed)
		took = append(took, time.Since(began).Seconds()*1000)
		if n == starts-1 {
			time.Sleep(rest)
			idle = append(idle, p.memory("VmRSS"))
		}
		p.stop()
	}
	b.show(name+": start to ready", "ms", took, below(50, "ms"))
	b.show(name+": memory, idle", "MB", idle, below(20, "MB"))
}

// load asks order for 304s, for archived and for new documents, and places orders.
func (b *bench) load(order *process, entries int64) {
	d := 2 * time.Second
	if b.quick {
		d = 50 * time.Millisecond
	}
	each := func(n int64) string { return fmt.Sprintf("/order/feed/%d", 1+n%(entries/100-1)) }
	load{order.addr, fixed("/order/feed"), atom + "If-None-Match: " + b.settledTag(order) + "\r\n", http.StatusNotModified, 32}.bySocket(d)
	load{order.addr, fixed("/order/feed/1"), atom, http.StatusOK, 32}.bySocket(d)
	load{order.addr, each, "Accept: application/json\r\n", http.StatusOK, 8}.bySocket(d)
	many(writers, post(order, "application/json", string(anOrder(2)), http.StatusCreated))(d)
}

func (b *bench) loaded(p *process) {
	b.show(p.name+": memory, loaded", "MB", samples{p.memory("VmHWM")}, below(40, "MB"))
}

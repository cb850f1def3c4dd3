package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"msatom/tools/plot"
)

// The feed of order: a poll that finds nothing new, with 1,000 to 1,000,000 orders, and documents.

const atom = "Accept: application/atom+xml\r\n"

func feedPart(b *bench) {
	order := b.order()
	defer order.stop()
	b.notModified(order)
	b.archived(order)
	b.unrendered(order)
}

// notModified compares the 304 of the recent document with an echo handler that does nothing else, and with the original's search
// of the whole table.
func (b *bench) notModified(order *process) {
	bare := b.yardstick("not-modified", "")
	defer bare.stop()
	original := b.yardstick("max", order.database)
	defer original.stop()
	sizes := []int{1_000, 100_000, 1_000_000}
	if b.quick {
		sizes = []int{1_000, 2_000, 3_000}
	}
	lines := []plot.Line{{Name: "echo"}, {Name: "this system"}, {Name: "the original's way"}}
	var ratios samples
	for _, size := range sizes {
		b.fill(order, size)
		what := "304 of the recent document, " + thousands(int64(size)) + " orders"
		ours := load{order.addr, fixed("/order/feed"), atom + "If-None-Match: " + b.settledTag(order) + "\r\n", http.StatusNotModified, 32}
		echo := ours
		echo.addr = bare.addr
		s := b.alternate(what, 5, time.Second, ours.byClient, echo.byClient)
		b.compare(what, "/s", s[0], s[1], "echo that answers 304", atLeast(0.8))
		ratios = append(ratios, s[0].over(s[1]).median())

		since := time.Now().Add(time.Second).UTC().Format(http.TimeFormat)
		search := load{original.addr, fixed("/feed"), "If-Modified-Since: " + since + "\r\n", http.StatusNotModified, 8}
		o := b.alternate(what+", the original's way", 3, time.Second, ours.bySocket, search.bySocket)
		g := goal{}
		if size == 1_000_000 {
			g = atLeast(500)
		}
		b.compare(what, "/s", o[0], o[1], "the original's way: max over the table", g)
		for i, v := range []samples{s[1], s[0], o[1]} {
			lines[i].Points = append(lines[i].Points, [2]float64{float64(size), v.median()})
		}
	}
	last := len(sizes) - 1
	b.show(fmt.Sprintf("ratio of 304s to echo at %s orders by that at %s", thousands(int64(sizes[last])), thousands(int64(sizes[0]))), "",
		samples{ratios[last] / ratios[0]}, atLeast(0.9))
	b.plots = append(b.plots, figure{"304", plot.Plot{Title: "Polls that find nothing new", X: "orders", Y: "304 responses per second", LogX: true, LogY: true, Lines: lines}})
}

// archived compares an archived document with the same bytes from net/http.
func (b *bench) archived(order *process) {
	body := b.read(order.url()+"/order/feed/1", "Accept", "application/atom+xml", "Accept-Encoding", "identity")
	file := filepath.Join(b.dir, "document")
	check(os.WriteFile(file, body, 0o644))
	bare := b.yardstick("bytes", file)
	defer bare.stop()
	ours := load{order.addr, fixed("/order/feed/1"), atom, http.StatusOK, 32}
	same := ours
	same.addr = bare.addr
	s := b.alternate("archived document", 5, time.Second, ours.byClient, same.byClient)
	b.compare(fmt.Sprintf("archived document, %.0f kB", float64(len(body))/1000), "/s", s[0], s[1], "the same bytes from net/http", atLeast(0.9))
}

// unrendered asks for documents that nobody has asked for before, and compares them with their snapshots, read and written unchanged.
func (b *bench) unrendered(order *process) {
	bare := b.yardstick("snapshots", order.database)
	defer bare.stop()
	// Each goes from the newest document to the oldest and starts over there: by then, rendered documents have left the cache.
	documents := query[int64](b, order.database, "SELECT count(*) / 100 - 1 FROM orders")[0]
	walk := func(addr, format, header string) measure {
		done := int64(0)
		return func(d time.Duration) float64 {
			l := load{addr, func(n int64) string { return fmt.Sprintf(format, documents-(done+n)%documents) }, header, http.StatusOK, 8}
			perSecond := l.bySocket(d)
			done += int64(perSecond*d.Seconds()) + int64(l.conns)
			return perSecond
		}
	}
	s := b.alternate("new documents", 5, time.Second, walk(order.addr, "/order/feed/%d", "Accept: application/json\r\n"),
		walk(order.addr, "/order/feed/%d", atom), walk(bare.addr, "/%d", ""))
	for i, dialect := range []string{"JSON", "Atom"} {
		b.compare("document that nobody has asked for before, "+dialect, "/s", s[i], s[2], "its snapshots, read with pgx and written unchanged", atLeast(0.5))
	}
}

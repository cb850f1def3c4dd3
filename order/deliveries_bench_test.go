package main

import (
	"testing"
	"time"

	"msatom/shared/postgres/pgtest"
)

// BenchmarkDeliveries reads the report on all deliveries, and one order with its own, alternating
// between 1,000 and 1,000,000 orders. One consumer has acknowledged everything, another the first
// half with a hole in every hundred.
//
//	go test ./order -run - -bench Deliveries -benchtime 100x
func BenchmarkDeliveries(b *testing.B) {
	var shops [2]*shop
	for i, n := range []int{1_000, 1_000_000} {
		s := start(b, pgtest.URL(b), config{Feeds: []string{"all=http://127.0.0.1:1/feed", "half=http://127.0.0.1:1/feed"}, Schedule: "@every 1h"})
		s.wait()
		fillWith(b, s, n)
		for _, sql := range []string{
			`INSERT INTO acknowledgement SELECT 'all', id, id, now(), random() * 3, 'all-1', '/all/' || id FROM orders`,
			`INSERT INTO acknowledgement SELECT 'half', id, id, now(), random() * 30, 'half-1', '/half/' || id FROM orders
				WHERE id % 100 > 0 AND id <= (SELECT max(id) / 2 FROM orders)`,
			`INSERT INTO delivery VALUES ('all', (SELECT max(id) FROM orders)), ('half', (SELECT max(id) / 2 - 1 FROM orders))`,
			`INSERT INTO delivery_hole SELECT 'half', id, id FROM orders WHERE id % 100 = 0 AND id < (SELECT max(id) / 2 FROM orders)`,
			`ANALYZE`,
		} {
			if err := s.db.Exec(sql).Error; err != nil {
				b.Fatal(err)
			}
		}
		shops[i] = s
	}
	if r := shops[1].report(); r.summary() != "all 1000000 open 0 holes 0, half 499999 open 505000 holes 4999" || len(r.Oldest) != maxOldest {
		b.Fatal(r.summary())
	}
	for name, path := range map[string]string{"report": "/order/deliveries", "order": "/order/777"} {
		b.Run(name, func(b *testing.B) {
			var took [2]time.Duration
			for b.Loop() {
				for i, s := range shops {
					start := time.Now()
					if a := s.get(path); a.status != 200 {
						b.Fatal(a.status)
					}
					took[i] += time.Since(start)
				}
			}
			b.ReportMetric(float64(took[0].Microseconds())/float64(b.N), "µs/1k")
			b.ReportMetric(float64(took[1].Microseconds())/float64(b.N), "µs/1M")
			b.ReportMetric(float64(took[1])/float64(took[0]), "1M/1k")
		})
	}
}

package main

import (
	"strings"
	"testing"
)

// BenchmarkPages asks for pages with 1,000,000 orders in the table, none of them kept from the request before. A page should
// take less than 100 ms.
//
//	go test ./order -run - -bench Pages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	s := open(b)
	fillWith(b, s, 1_000_000)
	if err := s.db.Exec("UPDATE orders SET total = id * 7919 % 1000003; ANALYZE orders").Error; err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/order/", "/order/?before=500000", "/order/?sort=highest", "/order/?sort=lowest&after=500000", "/order/?sort=oldest",
		"/order/?name=wolff&sort=highest", "/order/?name=nobody", "/order/500000", "/order/form.html", "/order/customer/", "/order/overview", "/order/deliveries", "/order/feed"} {
		b.Run(strings.ReplaceAll(strings.TrimPrefix(path, "/order/"), "/", "_"), func(b *testing.B) {
			for b.Loop() {
				if a := s.get(path, "Accept", browser); a.status != 200 {
					b.Fatalf("%d %s", a.status, a.body)
				}
			}
			b.ReportMetric(float64(len(s.page(path)))/1000, "kB")
		})
	}
}

package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkPages requests pages, uncached, with 1,000,000 orders in the table. It fails for a page
// with a median above 100 ms or more than 50 KB.
//
//	go test ./order -run - -bench Pages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	s := open(b)
	fillWith(b, s, 1_000_000)
	if err := s.db.Exec("UPDATE orders SET total = id * 7919 % 1000003").Error; err != nil {
		b.Fatal(err)
	}
	if err := s.db.Exec("VACUUM ANALYZE orders").Error; err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/order/", "/order/?before=500000", "/order/?sort=highest", "/order/?sort=lowest&after=42.00-500000", "/order/?sort=oldest",
		"/order/?name=wolff&sort=highest", "/order/?name=nobody", "/order/500000", "/order/form.html", "/order/customer/", "/order/overview", "/order/deliveries", "/order/feed"} {
		b.Run(strings.ReplaceAll(strings.TrimPrefix(path, "/order/"), "/", "_"), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if a := s.get(path, "Accept", browser); a.status != 200 {
					b.Fatalf("%d %s", a.status, a.body)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			median := took[len(took)/2]
			size := len(s.page(path))
			b.ReportMetric(float64(size)/1000, "kB")
			if median > 100*time.Millisecond || size > 50_000 {
				b.Errorf("%v, %d bytes", median, size)
			}
		})
	}
}

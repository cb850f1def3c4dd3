package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkFeed requests the recent document and its 304, alternating between 1,000 and 1,000,000
// orders in the table. The ratio matters: the cost of a poll must not grow with the number of
// orders.
//
//	go test ./order -run - -bench Feed -benchtime 2000x
func BenchmarkFeed(b *testing.B) {
	small, large := open(b), open(b)
	fillWith(b, small, 1_000)
	fillWith(b, large, 1_000_000)
	for _, status := range []string{"200", "304"} {
		b.Run(status, func(b *testing.B) {
			var took [2]time.Duration
			shops := [2]*shop{small, large}
			var etags [2]string
			for i, s := range shops {
				w := ask(s, "")
				if etags[i] = ""; status == "304" {
					etags[i] = w.Header().Get("ETag")
				}
			}
			for b.Loop() {
				for i, s := range shops {
					start := time.Now()
					w := ask(s, etags[i])
					took[i] += time.Since(start)
					if fmt.Sprint(w.Code) != status {
						b.Fatalf("status %d", w.Code)
					}
				}
			}
			b.ReportMetric(float64(took[0].Microseconds())/float64(b.N), "µs/1k")
			b.ReportMetric(float64(took[1].Microseconds())/float64(b.N), "µs/1M")
			b.ReportMetric(float64(took[1])/float64(took[0]), "1M/1k")
		})
	}
}

func ask(s *shop, etag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://order:8080/order/feed", nil)
	r.Header.Set("Accept", "application/atom+xml")
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// fillWith inserts n orders, each with a line, an event and a position.
func fillWith(b *testing.B, s *shop, n int) {
	b.Helper()
	for _, sql := range []string{
		`INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
			SELECT 1 + i % 2, 'placed', now(), 's', 'z', 'c', 's', 'z', 'c' FROM generate_series(1, ?) i`,
		`INSERT INTO order_line SELECT id, 1, 1, 1, 'iPod', 42 FROM orders LIMIT ?`,
		`INSERT INTO outbox_event (subject, kind, withdraws, snapshot)
			SELECT id, 'placed', false, json_build_object('id', id, 'status', 'placed', 'customer', json_build_object('customerId', 1, 'name', 'Wolff'),
				'orderLine', json_build_array(json_build_object('count', 1, 'item', json_build_object('itemId', 1, 'name', 'iPod', 'price', 42.00))))
			FROM orders ORDER BY id LIMIT ?`,
		`INSERT INTO outbox_position SELECT id, id, date_trunc('second', now()) - interval '1 hour' FROM outbox_event ORDER BY id LIMIT ?`,
	} {
		if err := s.db.Exec(sql, n).Error; err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Exec("ANALYZE").Error; err != nil {
		b.Fatal(err)
	}
	s.until("published", func() bool { return ask(s, "").Code == http.StatusOK })
}

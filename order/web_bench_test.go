package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
)

// BenchmarkNotModified measures what order's own code adds to a 304: the service's whole handler
// beside an echo handler that only answers 304. Both run without net/http's server.
//
//	go test ./order -run - -bench NotModified
func BenchmarkNotModified(b *testing.B) {
	s := open(b)
	s.order(s.json("POST", "/order/", text(asked(1, 3))), 201)
	bare := echo.New()
	bare.GET("/*", func(c echo.Context) error { return c.NoContent(http.StatusNotModified) })
	r := httptest.NewRequest("GET", "http://order:8080/order/feed", nil)
	r.Header.Set("Accept", "application/atom+xml")
	r.Header.Set("If-None-Match", ask(s, "").Header().Get("ETag"))
	for _, way := range []struct {
		name    string
		handler http.Handler
	}{{"order", s.handler}, {"echo", bare}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := &unread{header: http.Header{}}
				if way.handler.ServeHTTP(w, r); w.status != http.StatusNotModified {
					b.Fatalf("status %d", w.status)
				}
			}
		})
	}
}

// unread discards an answer but for its status.
type unread struct {
	header http.Header
	status int
}

func (u *unread) Header() http.Header         { return u.header }
func (u *unread) WriteHeader(status int)      { u.status = status }
func (u *unread) Write(b []byte) (int, error) { return len(b), nil }

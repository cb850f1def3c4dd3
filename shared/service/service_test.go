package service

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
)

// The clocks of instances can be set apart, and what they stamp is what a database can hold.
func TestNow(t *testing.T) {
	for skew, want := range map[string]time.Duration{"": 0, "-90m": -90 * time.Minute, "24h": 24 * time.Hour} {
		var s Service
		if err := env.ParseWithOptions(&s.Config, env.Options{Environment: map[string]string{"DATABASE_URL": "x", "CLOCK_SKEW": skew}}); err != nil {
			t.Fatal(err)
		}
		now := s.Now()
		if off := now.Sub(time.Now().Add(want)).Abs(); off > time.Minute {
			t.Errorf("CLOCK_SKEW=%s: %v off", skew, off)
		}
		if now.Location() != time.UTC || now != now.Truncate(time.Microsecond) {
			t.Errorf("%v is not in UTC and whole microseconds", now)
		}
	}
}

// A service that is asked to says where its processor time and its memory go, and answers everything else as before.
func TestProfiled(t *testing.T) {
	s := httptest.NewServer(profiled(http.NotFoundHandler()))
	defer s.Close()
	for query, want := range map[string]int{"/debug/pprof/profile?seconds=1": 200, "/debug/pprof/heap": 200, "/debug/pprof/profile": 422, "/debug/pprof/profile?seconds=31": 422, "/order/": 404} {
		res, err := http.Get(s.URL + query)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != want {
			t.Errorf("%s: status %d, %v", query, res.StatusCode, err)
		}
		if gzipped := bytes.HasPrefix(body, []byte{0x1f, 0x8b}); gzipped != (want == 200) {
			t.Errorf("%s: %.40q", query, body)
		}
	}
}

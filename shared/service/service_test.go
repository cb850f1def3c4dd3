package service

import (
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

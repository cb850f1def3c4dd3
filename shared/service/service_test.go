package service

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
)

// CLOCK_SKEW sets the clocks of instances apart. Their timestamps have the precision of Postgres.
func TestNow(t *testing.T) {
	t.Parallel()
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

// With PROFILE a service serves CPU and heap profiles, and everything else as before.
func TestProfiled(t *testing.T) {
	t.Parallel()
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

// A wrong FEED_ORIGINS is reported by its name before the service starts.
func TestFeedOrigins(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
	for _, value := range []string{"example.org", "https://example.org/", "https://example.org,https://", "https://*", "https://*.example.org", "https://user@example.org", "https://a.example https://b.example"} {
		t.Setenv("FEED_ORIGINS", value)
		err := run("thing", nil, func(*Service) error { return errors.New("set up") })
		if err == nil || !strings.HasPrefix(err.Error(), "FEED_ORIGINS: ") {
			t.Errorf("%q: %v", value, err)
		}
	}
	for _, value := range []string{"", "*", "https://example.org,http://localhost:3000"} {
		t.Setenv("FEED_ORIGINS", value)
		if err := run("thing", nil, func(*Service) error { return errors.New("set up") }); err == nil || err.Error() != "set up" {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// A service that cannot start because of a wrong setting does not log that it shuts down.
func TestFailedStart(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	stdout, logger := os.Stdout, slog.Default()
	defer func() { os.Stdout = stdout; slog.SetDefault(logger) }()
	os.Stdout = log
	if err := run("thing", nil, func(*Service) error { return errors.New("POLL_SCHEDULE: often") }); err == nil {
		t.Error("it started")
	}
	time.Sleep(100 * time.Millisecond) // for what is logged when the signals are forgotten
	if said, err := os.ReadFile(log.Name()); err != nil || len(said) > 0 {
		t.Errorf("%v, logged:\n%s", err, said)
	}
}

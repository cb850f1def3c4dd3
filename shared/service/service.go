// Package service runs a service, from reading its environment to its graceful shutdown. What the service does is handed in.
//
//   - The service listens at once and answers 503 until its database is available.
//   - Background work starts when the schema is migrated.
//   - On SIGINT or SIGTERM the service reports that it is not ready, finishes the requests in flight, ends its background work
//     and exits with 0.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
	_ "time/tzdata" // for schedules with CRON_TZ: an image contains no time zones

	"github.com/caarlos0/env/v11"

	"msatom/shared/postgres"
	"msatom/shared/web"
)

// Config holds the settings that every service reads from its environment.
type Config struct {
	Addr     string     `env:"ADDR" envDefault:":8080"`
	Instance string     `env:"INSTANCE"` // default: the host name
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	Database postgres.Config
	// Services names all services of the system, for the navigation of the pages. Without it, they lead to this service and the one
	// it follows.
	Services []string `env:"SERVICES" envSeparator:" "`
	// ClockSkew is added to the machine's clock, to test instances whose clocks differ.
	ClockSkew time.Duration `env:"CLOCK_SKEW" envDefault:"0s"`
	// Profile adds CPU and heap profiles to the service's own port: profile.go.
	Profile bool `env:"PROFILE" envDefault:"false"`
	// FeedMaxAge is how many seconds caches may keep the recent document of the service's feed. Readers see events later by as much.
	FeedMaxAge uint `env:"FEED_MAX_AGE" envDefault:"0"`
	// FeedOrigins are the origins whose pages may read the service's feed, such as https://example.org, or * for all.
	FeedOrigins []string `env:"FEED_ORIGINS"`
	// Drain is how long the service keeps serving after the signal to stop, while /readyz answers 503: as long as a load balancer
	// takes to notice. With up to 3s the service exits within ten seconds.
	Drain time.Duration `env:"DRAIN" envDefault:"0s"`
}

// Service is what setup puts together and Main runs.
type Service struct {
	Config
	Name       string
	DB         *postgres.DB
	Migrations []postgres.Migration    // in this order
	Background []func(context.Context) // started after that; end with their context
	Handler    http.Handler
}

// memory is the soft memory limit in bytes: near it, Go collects garbage more often than each time the heap has doubled.
// With 48 MiB, 2,000 waiting readers keep the collector busy; with 80 MiB the program peaks at 94 MB. GOMEMLIMIT overrides it.
const memory = 80 << 20

// Now returns the time by this instance's clock, in UTC and whole microseconds. The instance uses it for all timestamps and
// decisions.
func (s *Service) Now() time.Time {
	return time.Now().Add(s.ClockSkew).UTC().Truncate(time.Microsecond)
}

// Main runs a service until SIGINT or SIGTERM and ends the process: with 0 after a graceful shutdown, with 1 after an error, which
// it prints. With the argument "healthcheck" the program asks the running service whether it is ready. own points to the
// settings of this service alone, or is nil; they are read from the environment before setup is called.
func Main(name string, own any, setup func(*Service) error) {
	if err := run(name, own, setup); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(name string, own any, setup func(*Service) error) error {
	s := &Service{Name: name}
	if len(os.Args) > 1 && os.Args[1] == "healthcheck" {
		addr, ok := os.LookupEnv("ADDR")
		if !ok {
			addr = ":8080"
		}
		return web.Healthcheck(addr)
	}
	if err := env.Parse(&s.Config); err != nil {
		return err
	}
	for _, origin := range s.FeedOrigins {
		u, err := url.Parse(origin)
		isOrigin := err == nil && u.Host != "" && origin == u.Scheme+"://"+u.Host && !strings.ContainsAny(origin, "*?") // echo would take a pattern
		if origin != "*" && !isOrigin {
			return fmt.Errorf("FEED_ORIGINS: %q is neither an origin, such as https://example.org, nor *", origin)
		}
	}
	if own != nil {
		if err := env.Parse(own); err != nil {
			return err
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	if s.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		s.Instance = host
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: s.LogLevel})).With("instance", s.Instance))

	stopping, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer forget()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	defer context.AfterFunc(stopping, func() {
		slog.Info("shutting down", "drain", s.Drain)
		time.AfterFunc(s.Drain, stop)
	})() // before forget, which is no signal: a service that cannot start does not say that it shuts down
	db, err := postgres.Open(s.Database)
	if err != nil {
		return err
	}
	defer db.Pool.Close()
	db.NowFunc = s.Now
	s.DB = db
	if err := setup(s); err != nil {
		return err
	}

	handler := readyUntil(stopping, s.Handler)
	if s.Profile {
		handler = profiled(handler)
	}
	var background sync.WaitGroup
	background.Go(func() {
		db.Watch(ctx, s.Migrations, func() {
			for _, f := range s.Background {
				background.Go(func() { f(ctx) })
			}
		})
	})
	err = web.Serve(ctx, s.Addr, handler)
	stop() // Serve may have failed to listen
	background.Wait()
	slog.Info("stopped")
	return err
}

// readyUntil answers /readyz with 503 once the service is stopping, and leaves everything else to h.
func readyUntil(stopping context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" && stopping.Err() != nil {
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Package service is the life of a program, from its environment to its end by a signal. What a service does is handed in.
//
// It promises: the program listens at once and answers 503 until its database is there; background work begins when the schema is
// made; SIGINT and SIGTERM let the requests in flight finish, end the background work, and the program ends with 0.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"

	"msatom/shared/postgres"
	"msatom/shared/web"
)

// Config is what every service reads from its environment.
type Config struct {
	Addr     string     `env:"ADDR" envDefault:":8080"`
	Instance string     `env:"INSTANCE"` // default: the host's name
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	Database postgres.Config
	// Services are the names of all services of the system: every page leads to them.
	Services []string `env:"SERVICES" envSeparator:" " envDefault:"order invoicing shipping"`
	// ClockSkew is how far this instance's clock is from the machine's: for trials, in which the clocks of instances differ.
	ClockSkew time.Duration `env:"CLOCK_SKEW" envDefault:"0s"`
	// Profile lets the program be asked where its processor time and its memory go: profile.go.
	Profile bool `env:"PROFILE" envDefault:"false"`
	// FeedMaxAge is how many seconds caches may keep the recent document of the service's feed; readers then know an event later by so much.
	FeedMaxAge uint `env:"FEED_MAX_AGE" envDefault:"0"`
	// Drain is how long the service goes on working after it was told to stop, while it says that it is not ready: as long as those
	// who send it requests need to notice. With up to 3s the service ends within ten seconds.
	Drain time.Duration `env:"DRAIN" envDefault:"0s"`
}

// Service is a program while it is put together.
type Service struct {
	Config
	Name       string
	DB         *postgres.DB
	Migrations []postgres.Migration        // of the service's schema, in their order
	Seed       func(context.Context) error // called once the schema is there; may be nil
	Background []func(context.Context)     // run from then on until the end
	Handler    http.Handler
}

// memory is how much the program takes, in bytes, before garbage is collected more often than whenever it has doubled, which Go does by
// itself. GOMEMLIMIT sets another amount. It is several times what a service needs.
const memory = 48 << 20

// Now is the time by this instance's own clock, in UTC and whole microseconds. All that the instance stamps or decides by time goes by it.
func (s *Service) Now() time.Time {
	return time.Now().Add(s.ClockSkew).UTC().Truncate(time.Microsecond)
}

// Main runs a service until SIGINT or SIGTERM, and ends the process: 0 after a clean stop, 1 after an error, which it prints.
// Called with the argument "healthcheck", the program asks its running self whether it is ready. own is a pointer to the
// service's own configuration, or nil; it is filled from the environment before setup is called.
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

	told, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer forget()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	context.AfterFunc(told, func() {
		slog.Info("told to stop", "drain", s.Drain)
		time.AfterFunc(s.Drain, stop)
	})
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

	handler := readyUntil(told, s.Handler)
	if s.Profile {
		handler = profiled(handler)
	}
	var background sync.WaitGroup
	background.Go(func() {
		db.Watch(ctx, s.Migrations, s.Seed, func() {
			for _, f := range s.Background {
				background.Go(func() { f(ctx) })
			}
		})
	})
	err = web.Serve(ctx, s.Addr, handler)
	stop() // also when it could not listen
	background.Wait()
	slog.Info("stopped")
	return err
}

// readyUntil answers /readyz with 503 once the service was told to stop, and leaves everything else to h.
func readyUntil(told context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" && told.Err() != nil {
			http.Error(w, "told to stop", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Package service is the life of a program, from its environment to its end by a signal. What a service does is handed in.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

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
	if s.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		s.Instance = host
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: s.LogLevel})).With("instance", s.Instance))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := postgres.Open(s.Database)
	if err != nil {
		return err
	}
	defer db.Pool.Close()
	s.DB = db
	if err := setup(s); err != nil {
		return err
	}

	var background sync.WaitGroup
	background.Go(func() {
		db.Watch(ctx, s.Migrations, s.Seed, func() {
			for _, f := range s.Background {
				background.Go(func() { f(ctx) })
			}
		})
	})
	err = web.Serve(ctx, s.Addr, s.Handler)
	stop() // also when it could not listen
	background.Wait()
	slog.Info("stopped")
	return err
}

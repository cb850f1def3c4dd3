// Command run is `make run`: the whole system on this machine without Docker, in the foreground, until it is told to stop.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"msatom/e2e/system"
)

// patience is how long a start may take: the first one compiles the services and makes the database.
const patience = 5 * time.Minute

func main() {
	config, err := configure(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	config.Output = os.Stdout

	// The signals stay caught until the end: a second Ctrl-C does not cut the stop short.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx = whileParentWaits(ctx)
	if err := run(ctx, config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config system.Config) error {
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := system.Start(starting, config)
	if ctx.Err() != nil && s == nil {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Printf("ready: %s/\n", s.URL())
	<-ctx.Done()
	fmt.Println("stopping")
	return s.Stop()
}

// configure reads the port of the front door and the number of instances.
func configure(getenv func(string) string) (system.Config, error) {
	config := system.Config{Dir: ".run"}
	for _, v := range []struct {
		name             string
		to               *int
		preset, min, max int
	}{
		{"PORT", &config.Port, 8080, 1, 65535},
		{"ORDER", &config.Order, 1, 1, system.MaxInstances},
		{"INVOICING", &config.Invoicing, 1, 1, system.MaxInstances},
		{"SHIPPING", &config.Shipping, 1, 1, system.MaxInstances},
	} {
		*v.to = v.preset
		text := getenv(v.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < v.min || n > v.max {
			return config, fmt.Errorf("%s=%s: a number from %d to %d is needed", v.name, text, v.min, v.max)
		}
		*v.to = n
	}
	return config, nil
}

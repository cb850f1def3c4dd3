// Command run is `make run`: it runs the whole system without Docker in the foreground until SIGINT or SIGTERM.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"msatom/tools/system"
)

// startTimeout bounds a start. The first one compiles the services and creates the database.
const startTimeout = 5 * time.Minute

func main() {
	root, err := system.FindRoot()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config, err := configure(root, os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	config.Output = os.Stdout

	// The signals stay caught until the end, so a second Ctrl-C does not cut the stop short.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := run(ctx, config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config system.Config) error {
	starting, cancel := context.WithTimeout(ctx, startTimeout)
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

// configure reads the port of the front door from PORT, and the number of instances of each service from the variable named after it:
// ORDER, INVOICING, ...
func configure(root string, getenv func(string) string) (config system.Config, err error) {
	config = system.Config{Root: root, Dir: ".run", Scale: map[string]int{}}
	if config.Port, err = number(getenv, "PORT", 8080, 65535); err != nil {
		return config, err
	}
	services, err := system.Services(root)
	for _, s := range services {
		if config.Scale[s.Name], err = number(getenv, strings.ToUpper(s.Name), 1, system.MaxInstances); err != nil {
			return config, err
		}
	}
	return config, err
}

// number reads a variable that may be from 1 to most.
func number(getenv func(string) string, name string, preset, most int) (int, error) {
	text := getenv(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s=%s: must be a whole number from 1 to %d", name, text, most)
	}
	return n, nil
}

// Command run is `make run`: the whole system on this machine without Docker, in the foreground, until it is told to stop.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"msatom/e2e/system"
)

// patience is how long a start may take: the first one compiles the services and makes the database.
const patience = 5 * time.Minute

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

	if err := run(system.UntilTold(), config); err != nil {
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

// configure reads the port of the front door and the number of instances of each service, in the variable of its name in capitals.
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

// number reads a variable, which may be from 1 to most; where it is not set it is preset.
func number(getenv func(string) string, name string, preset, most int) (int, error) {
	text := getenv(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s=%s: a number from 1 to %d is needed", name, text, most)
	}
	return n, nil
}

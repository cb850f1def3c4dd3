// Command proof puts the system on trial. It starts the system, lets many writers place, change and cancel orders, injects
// faults meanwhile, waits until everything is quiet, and checks every promise against what it then finds. The exit status is 0
// only if every promise was kept.
//
// The files in reading order:
//
//	trial.go                    the course of a trial
//	plan.go, subject.go         which faults happen when, and to what
//	writers.go, readers.go      who uses the system meanwhile
//	faults.go, link.go          how each fault is injected
//	evidence.go                 what is found at the end
//	checks.go, checks_consumers.go   the promises
//	report.go, plot.go          the result as text, page and JSON
//
// designs.go and the folder naive replace a service by a small program with a common mistake. The checks must catch each of them.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"msatom/tools/system"
)

func main() {
	subject, options, err := configure(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// The signals stay caught until the end, so a second Ctrl-C does not cut the stop short.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	report, err := run(ctx, subject, options)
	switch {
	case report != nil:
		err = errors.Join(publish(report), err)
	case ctx.Err() != nil:
		err = errors.New("stopped before the end: nothing was proved")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// publish prints the report and writes its files. It returns an error if a promise was broken.
func publish(report *Report) error {
	if err := report.Text(os.Stdout); err != nil {
		return err
	}
	if err := report.Write(folder); err != nil {
		return err
	}
	fmt.Println("report:", filepath.Join(folder, "report.html"))
	if len(report.broken()) > 0 {
		return fmt.Errorf("promises were broken; the logs of all programs are in %s", filepath.Join(folder, "log.txt"))
	}
	return nil
}

// configure reads the variables DESIGN, ORDERS, MINUTES and SEED.
func configure(getenv func(string) string) (Subject, Options, error) {
	subject := msatom()
	if name := getenv("DESIGN"); name != "" {
		root, err := system.FindRoot()
		if err == nil {
			subject, err = design(root, name)
		}
		if err != nil {
			return subject, Options{}, fmt.Errorf("DESIGN=%s: %w", name, err)
		}
	}
	var invalid error
	number := func(name, fallback string, least, most float64) float64 {
		text := cmp.Or(getenv(name), fallback)
		n, err := strconv.ParseFloat(text, 64)
		if whole := name != "MINUTES"; err != nil || !(n >= least && n <= most) || whole && n != float64(int64(n)) {
			invalid = fmt.Errorf("%s=%s: must be a number from %g to %.0f", name, text, least, most)
		}
		return n
	}
	options := Options{
		Orders: int(number("ORDERS", "2000", 1, 1_000_000)),
		Length: time.Duration(number("MINUTES", "1", 0.05, 1440) * float64(time.Minute)),
		Seed:   uint64(number("SEED", "1", 0, 1<<53)),
	}
	return subject, options, invalid
}

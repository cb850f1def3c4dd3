// Command bench is `make bench`: it measures the system against its ceilings and against the original's way of doing the same,
// on this machine and in one run, and writes docs/performance.md.
//
// What is measured stands in one file for each part, listed below. How: alternate.go. The programs that serve as yardsticks are started by
// this one from itself: yardstick.go. ONLY=feed,wake runs some of the parts, QUICK=1 all of them so briefly that it only shows that
// they work; neither writes the document.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// parts are measured in this order. A new one is a file with its function, and a line here.
var parts = []part{
	{"feed", "The feed", feedText, feedPart},
	{"catchup", "Catching up", catchupText, catchupPart},
	{"intake", "Taking orders", intakeText, intakePart},
	{"wake", "From an order to its invoice", wakeText, wakePart},
	{"acks", "From an order to the last acknowledgement", acksText, acksPart},
	{"local", "The data at home", localText, localPart},
	{"waiters", "Waiting clients", waitersText, waitersPart},
	{"door", "The front door", doorText, doorPart},
	{"polls", "Polls without news", pollsText, pollsPart},
	{"footprint", "What a service needs", footprintText, footprintPart},
}

func main() {
	if len(os.Args) > 1 {
		serveYardstick(os.Args[1:])
		return
	}
	slog.SetLogLoggerLevel(slog.LevelError) // what a part uses of the services says the rest
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("ONLY"), os.Getenv("QUICK") != ""); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, quick bool) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	b, err := start(ctx, quick)
	if err != nil {
		return err
	}
	defer b.stop()
	for _, p := range chosen {
		if err := b.run(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.table(os.Stdout)
	if only != "" || quick {
		return nil
	}
	return b.write("docs")
}

// choose finds the parts that ONLY names, all if it is empty.
func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var chosen []part
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	for name := range strings.SplitSeq(only, ",") {
		i := slices.Index(names, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("ONLY=%s: there is no part %q, but %s", only, name, strings.Join(names, ", "))
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

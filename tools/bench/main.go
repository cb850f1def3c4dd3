// Command bench is `make bench`: it measures the system beside yardsticks on this machine, in one run, prints a table and writes the
// measured part of docs/performance.md. The text around it, explanations included, is written by a person.
//
// Each part has a file with its name; samples.go says how two things are compared, webyardstick.go holds the programs that
// services are compared with, fill.go makes large logs. Correctness under load and faults belongs to `make proof`, not here.
//
// Environment:
//
//	ONLY=feed,wake   run some parts; nothing is written
//	QUICK=1          run briefly, to see that everything works; figures mean nothing, and nothing is written
//	PROFILE=dir      write CPU profiles of the services into dir, for go tool pprof; it slows the services a little
//	BEFORE=dir       let the catch-up part compare this checkout with the services of another one, in the same rounds:
//	                 git worktree add ../before 83fe948 && make bench ONLY=catchup BEFORE=../before
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

// part is one part of the benchmark.
type part struct {
	name string // for ONLY
	run  func(*bench)
}

// parts run in this order.
var parts = []part{
	{"feed", feedPart},
	{"catchup", catchupPart},
	{"intake", intakePart},
	{"wake", wakePart},
	{"acks", acksPart},
	{"waiters", waitersPart},
	{"door", doorPart},
	{"footprint", footprintPart},
}

func main() {
	if len(os.Args) > 1 {
		serveYardstick(os.Args[1:])
		return
	}
	slog.SetLogLoggerLevel(slog.LevelError)
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
		if err = b.run(p); err != nil {
			break
		}
	}
	writeTable(os.Stdout, b.rows)
	if err != nil || only != "" || quick {
		return err
	}
	return b.run(part{"page", func(b *bench) { check(b.write("docs", b.machine())) }})
}

// choose returns the parts that ONLY names, all if it is empty.
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
			return nil, fmt.Errorf("ONLY=%s: no part is called %q; there are %s", only, name, strings.Join(names, ", "))
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

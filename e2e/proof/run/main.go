// Command run is `make proof`: it puts the system on trial and says what came of it. It ends with 0 if every promise was kept.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"msatom/e2e/proof"
	"msatom/e2e/system"
)

func main() {
	subject, options, err := configure(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx := system.UntilTold()
	report, err := proof.Run(ctx, subject, options)
	switch {
	case report != nil:
		err = tell(report, options.Dir, err)
	case ctx.Err() != nil:
		err = errors.New("stopped before the end: nothing was proved")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell writes the report, and returns an error if a promise was broken.
func tell(report *proof.Report, dir string, err error) error {
	if err := report.Text(os.Stdout); err != nil {
		return err
	}
	if err := report.Write(dir); err != nil {
		return err
	}
	fmt.Println("report:", filepath.Join(dir, "report.html"))
	if err == nil && !report.Kept() {
		err = fmt.Errorf("promises were broken; what the programs said is in %s", filepath.Join(dir, "log.txt"))
	}
	return err
}

// configure reads what is put on trial, and how hard.
func configure(getenv func(string) string) (proof.Subject, proof.Options, error) {
	options := proof.Options{Dir: ".run/proof", Out: os.Stderr, Writers: 32}
	subject := proof.Msatom()
	if design := getenv("DESIGN"); design != "" {
		var known bool
		if subject, known = proof.Naive(design); !known {
			return subject, options, fmt.Errorf("DESIGN=%s: there is no such design in e2e/proof/naive", design)
		}
	}
	orders, minutes, seed := 2000.0, 1.0, 1.0
	for _, v := range []struct {
		name        string
		to          *float64
		least, most float64
		whole       bool
	}{
		{"ORDERS", &orders, 1, 1_000_000, true},
		{"MINUTES", &minutes, 0.05, 1440, false},
		{"SEED", &seed, 0, 1 << 53, true},
	} {
		text := getenv(v.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= v.least && n <= v.most) || v.whole && n != float64(int64(n)) {
			return subject, options, fmt.Errorf("%s=%s: a number from %g to %.0f is needed", v.name, text, v.least, v.most)
		}
		*v.to = n
	}
	options.Orders, options.Length, options.Seed = int(orders), time.Duration(minutes*float64(time.Minute)), uint64(seed)
	return subject, options, nil
}

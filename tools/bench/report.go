package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"msatom/tools/plot"
)

// row is a line of the table: part, what, yardstick, figure, goal, and whether it is met.
type row [6]string

// figure is a plot for performance.md. The name is part of its file's name.
type figure struct {
	name string
	plot.Plot
}

// goal is what a figure should be. The zero goal is none: the figure is only shown.
type goal struct {
	text  string
	isMet func(float64) bool
}

func atLeast(v float64) goal {
	return goal{fmt.Sprintf("≥ %v", v), func(x float64) bool { return x >= v }}
}

func atMost(v float64) goal {
	return goal{fmt.Sprintf("≤ %v", v), func(x float64) bool { return x <= v }}
}

func below(v float64, unit string) goal {
	return goal{fmt.Sprintf("< %v %s", v, unit), func(x float64) bool { return x < v }}
}

// compare adds a row for samples beside those of a yardstick, taken in turn. The goal is for the median of the ratios.
func (b *bench) compare(what, unit string, s, of samples, yardstick string, g goal) {
	ratios := s.over(of)
	b.add(what, yardstick+": "+number(of.median())+" "+unit, spread(ratios)+" of it: "+number(s.median())+" "+unit, g, ratios.median())
}

// show adds a row for a figure that stands alone. The goal is for the median.
func (b *bench) show(what, unit string, s samples, g goal) {
	b.add(what, "", strings.TrimSpace(spread(s)+" "+unit), g, s.median())
}

// add adds a row whose goal is for value. A quick run proves nothing, so it says of no goal whether it is met.
func (b *bench) add(what, yardstick, figure string, g goal, value float64) {
	met := ""
	switch {
	case b.quick || g.isMet == nil:
	case g.isMet(value):
		met = "met"
	default:
		met = "**not met**"
	}
	b.rows = append(b.rows, row{b.part, what, yardstick, figure, g.text, met})
	b.say("%s: %s (%s) %s", what, figure, yardstick, met)
}

// spread is the median, with the lowest and the highest if there are several samples.
func spread(s samples) string {
	if len(s) < 2 {
		return number(s.median())
	}
	return fmt.Sprintf("%s (%s to %s)", number(s.median()), number(s.quantile(0)), number(s.quantile(1)))
}

// number writes v with about three digits.
func number(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int64(v/10+0.5) * 10)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thousands(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// writeTable writes the rows as a Markdown table whose columns are also aligned in a terminal.
func writeTable(w io.Writer, rows []row) {
	rows = append([]row{{"part", "what", "yardstick", "figure", "goal", "met?"}}, rows...)
	var widths [6]int
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for i, r := range rows {
		for c, cell := range r {
			fmt.Fprintf(w, "| %-*s ", widths[c], cell)
		}
		fmt.Fprintln(w, "|")
		if i == 0 {
			for _, n := range widths {
				fmt.Fprintf(w, "| %s ", strings.Repeat("-", n))
			}
			fmt.Fprintln(w, "|")
		}
	}
}

// Between these lines, performance.md belongs to the bench.
const (
	beginMarker = "<!-- make bench writes from here -->\n"
	endMarker   = "<!-- to here -->\n"
)

// write writes the plots into a folder of the repository, and replaces what is between the markers in its performance.md.
func (b *bench) write(folder, machine string) error {
	file := filepath.Join(b.root, folder, "performance.md")
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(document), beginMarker)
	_, after, ended := strings.Cut(rest, endMarker)
	if !found || !ended {
		return fmt.Errorf("%s has no lines %q and %q to write between", file, strings.TrimSpace(beginMarker), strings.TrimSpace(endMarker))
	}
	var measured bytes.Buffer
	fmt.Fprintf(&measured, "\nMeasured on %s in %v, %s.\n\n",
		b.began.UTC().Format("2 January 2006"), time.Since(b.began).Round(time.Second), machine)
	writeTable(&measured, b.rows)
	for _, p := range b.plots {
		name := "performance-" + p.name + ".svg"
		if err := os.WriteFile(filepath.Join(b.root, folder, name), p.SVG(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&measured, "\n![%s](%s)\n", p.Title, name)
	}
	fmt.Fprintln(&measured)
	return os.WriteFile(file, []byte(before+beginMarker+measured.String()+endMarker+after), 0o644)
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// section is what came out of a part.
type section struct {
	part
	rows  []row
	plots []*plot
	notes []string
}

// row is a line of the table.
type row struct {
	what, measured, yardstick, ratio, goal, met string
}

// goal is what a number should be. The zero goal is none: the number is just shown.
type goal struct {
	text   string
	met    func(float64) bool
	reason string // why it may be missed; said only then
	where  explanation
}

func atLeast(v float64) goal {
	return goal{text: fmt.Sprintf("≥ %v", v), met: func(x float64) bool { return x >= v }}
}

func below(v float64, unit string) goal {
	return goal{text: fmt.Sprintf("< %v %s", v, unit), met: func(x float64) bool { return x < v }}
}

// because is the goal with a reason why it may be missed.
func (g goal) because(reason string) goal {
	g.reason = reason
	return g
}

// shown is the goal with what shows where the time goes if it is missed.
func (g goal) shown(where explanation) goal {
	g.where = where
	return g
}

func (g goal) verdict(v float64) string {
	switch {
	case g.met == nil:
		return ""
	case g.met(v):
		return "met"
	}
	return "**not met**"
}

// compare adds a line for a thing beside its yardstick. The goal is for the median of the ratios.
func (b *bench) compare(what, unit string, p pair, yardstick string, g goal) {
	r := p.ratios()
	b.add(row{what, number(p.a.median()) + " " + unit, number(p.b.median()) + " " + unit + ", " + yardstick, spread(r), g.text, g.verdict(r.median())}, g)
}

// show adds a line for a number that stands alone. The goal is for the median.
func (b *bench) show(what, unit string, s samples, g goal) {
	b.add(row{what, spread(s) + " " + unit, "", "", g.text, g.verdict(s.median())}, g)
}

func (b *bench) add(r row, g goal) {
	if b.quick {
		r.met = "" // so short a look says nothing
	}
	s := b.sections[len(b.sections)-1]
	s.rows = append(s.rows, r)
	if strings.HasPrefix(r.met, "**") || b.quick {
		b.explain(s, r.what, g)
	}
	beside := ""
	if r.yardstick != "" {
		beside = ", " + r.ratio + " times " + r.yardstick
	}
	b.say("%s: %s%s  %s", r.what, r.measured, beside, r.met)
}

// explain says under the table why a goal was missed.
func (b *bench) explain(s *section, what string, g goal) {
	said := g.reason
	if g.where != nil {
		b.progress("%s: where the time goes", what)
		shown, err := g.where()
		b.failed = errors.Join(b.failed, err)
		said = strings.TrimSpace(said + " " + shown)
	}
	if said != "" {
		s.notes = append(s.notes, what+": "+said)
		b.say("    %s", said)
	}
}

// spread is the median, and the lowest and highest where there are more than one.
func spread(s samples) string {
	if len(s) < 2 {
		return number(s.median())
	}
	return fmt.Sprintf("%s (%s to %s)", number(s.median()), number(s.quantile(0)), number(s.quantile(1)))
}

// number is written with about three digits.
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

// table writes all lines, aligned for a terminal.
func (b *bench) table(w io.Writer) {
	for _, s := range b.sections {
		fmt.Fprintf(w, "\n%s\n\n", s.title)
		s.table(w)
	}
}

func (s *section) table(w io.Writer) {
	rows := append([]row{{"what", "measured", "yardstick", "ratio", "goal", "met?"}}, s.rows...)
	var widths [6]int
	for _, r := range rows {
		for i, cell := range r.cells() {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for i, r := range rows {
		for c, cell := range r.cells() {
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

func (r row) cells() [6]string {
	return [6]string{r.what, r.measured, r.yardstick, r.ratio, r.goal, r.met}
}

// write writes performance.md and its plots into a folder of the repository.
func (b *bench) write(folder string) error {
	var doc bytes.Buffer
	fmt.Fprintf(&doc, `# Performance

This page was written by `+"`make bench`"+`, which measures again on your machine: %s, in %v, at commit %s.

%s

Ratios are what counts. Every figure stands beside its yardstick, and the two were taken in turn, A B A B, in this one run: what else the machine
did meanwhile disturbs both. Shown are medians; in brackets behind them the lowest and the highest of the rounds. Client, services and Postgres shared
the cores.
`, b.began.UTC().Format("2 January 2006"), time.Since(b.began).Round(time.Second), b.machine.commit, b.machine)
	for _, s := range b.sections {
		fmt.Fprintf(&doc, "\n## %s\n\n%s\n\n", s.title, s.text)
		s.table(&doc)
		for _, n := range s.notes {
			fmt.Fprintf(&doc, "\n%s\n", n)
		}
		for _, p := range s.plots {
			name := "performance-" + p.name + ".svg"
			if err := os.WriteFile(filepath.Join(b.root, folder, name), p.svg(), 0o644); err != nil {
				return err
			}
			fmt.Fprintf(&doc, "\n![%s](%s)\n", p.title, name)
		}
	}
	return os.WriteFile(filepath.Join(b.root, folder, "performance.md"), doc.Bytes(), 0o644)
}

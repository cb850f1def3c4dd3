package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the result of a trial. Text, page and JSON say the same.
type Report struct {
	Subject   string              `json:"subject"`
	Seed      uint64              `json:"seed"`
	Began     time.Time           `json:"began"`
	Took      float64             `json:"took"`    // seconds from the first order to the end of the checks
	Settled   float64             `json:"settled"` // seconds from the last order until every consumer had caught up
	Placed    int64               `json:"placed"`
	Changed   int64               `json:"changed"`
	Cancelled int64               `json:"cancelled"`
	Repeated  int64               `json:"repeated"` // requests that were sent again because no answer came
	Faults    []Fault             `json:"faults"`
	Promises  []Verdict           `json:"promises"`
	Delivery  map[string]Delivery `json:"delivery"` // by consumer
	Samples   []Sample            `json:"samples"`
}

// Verdict says whether a promise was kept.
type Verdict struct {
	Name       string   `json:"name"`
	Sentence   string   `json:"sentence"`
	Examined   string   `json:"examined"`
	Violations int      `json:"violations"`
	Examples   []string `json:"examples,omitempty"` // the first violations
}

// Delivery is the distribution of the delivery times at a consumer, in milliseconds.
type Delivery struct {
	Entries int     `json:"entries"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`

	times []float64 // shortest first
}

const maxExamples = 5

func (t *trial) report(e Evidence, settled time.Duration) *Report {
	w := t.writers
	r := &Report{
		Subject: t.subject.Name, Seed: t.Seed, Began: t.began.UTC(), Took: time.Since(t.began).Seconds(), Settled: settled.Seconds(),
		Placed: w.placed.Load(), Changed: w.changed.Load(), Cancelled: w.cancelled.Load(), Repeated: w.repeated.Load(),
		Faults: t.injected, Delivery: map[string]Delivery{}, Samples: t.samples,
	}
	slices.SortFunc(r.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	for _, p := range promises {
		f := p.check(e)
		v := Verdict{Name: p.name, Sentence: p.sentence, Examined: f.examined, Violations: len(f.violations)}
		for _, example := range f.violations[:min(len(f.violations), maxExamples)] {
			v.Examples = append(v.Examples, strings.ToValidUTF8(example[:min(len(example), 500)], ""))
		}
		r.Promises = append(r.Promises, v)
	}
	for _, c := range t.subject.Consumers {
		if times := e.deliveryTimes(c); len(times) > 0 {
			at := func(q float64) float64 { return times[int(q*float64(len(times)-1))] }
			r.Delivery[c.Name] = Delivery{Entries: len(times), P50: at(0.5), P99: at(0.99), Max: at(1), times: times}
		}
	}
	return r
}

// broken returns the names of the broken promises.
func (r *Report) broken() (names []string) {
	for _, v := range r.Promises {
		if v.Violations > 0 {
			names = append(names, v.Name)
		}
	}
	return names
}

// Verdict returns the result in one line.
func (r *Report) Verdict() string {
	if names := r.broken(); len(names) > 0 {
		return "broken: " + strings.Join(names, ", ")
	}
	return "every promise was kept"
}

// Text writes the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s on trial, seed %d: %d orders placed, %d changed, %d cancelled; %d requests repeated\n",
		r.Subject, r.Seed, r.Placed, r.Changed, r.Cancelled, r.Repeated)
	fmt.Fprintf(table, "\nfaults injected:\n")
	for _, k := range r.kinds() {
		fmt.Fprintf(table, "  %d\t%s\t%s\n", k.Times, k.Kind, k.Targets)
	}
	fmt.Fprintf(table, "\npromises:\n")
	for _, v := range r.Promises {
		state := "kept"
		if v.Violations > 0 {
			state = fmt.Sprintf("BROKEN %d times", v.Violations)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.Name, state, v.Examined)
	}
	fmt.Fprintf(table, "\ndelivery time:\n")
	for _, name := range slices.Sorted(maps.Keys(r.Delivery)) {
		d := r.Delivery[name]
		fmt.Fprintf(table, "  %s\tp50 %.1f ms\tp99 %.1f ms\tmax %.1f ms\t%d entries\n", name, d.P50, d.P99, d.Max, d.Entries)
	}
	fmt.Fprintf(table, "\nterms:\n")
	for _, term := range r.Terms() {
		fmt.Fprintf(table, "  %s\t%s\n", term.Name, term.Meaning)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, v := range r.Promises {
		if v.Violations > 0 {
			fmt.Fprintf(w, "\nBROKEN: %s.\n", v.Sentence)
			for _, example := range v.Examples {
				fmt.Fprintf(w, "  %s\n", example)
			}
			if more := v.Violations - len(v.Examples); more > 0 {
				fmt.Fprintf(w, "  and %d more\n", more)
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n%s (%.0f s; consumers had caught up %.1f s after the last order)\n", r.Verdict(), r.Took, r.Settled)
	return err
}

// Term is a word of the report with its explanation.
type Term struct{ Name, Meaning string }

// Terms explains the words that the report uses.
func (r *Report) Terms() []Term {
	terms := []Term{
		{"position", "number of an entry in order's log: 1, 2, 3, ..."},
		{"record", "what a consumer keeps of an order: an invoice or a shipment"},
		{"dead letter", "an entry that a consumer could not process and has set aside"},
		{"delivery time", "from the commit in order to the commit at the consumer"},
		{"p50, p99", "half of the entries, and 99 of 100, took no longer than this"},
	}
	for _, v := range r.Promises {
		terms = append(terms, Term{v.Name, v.Sentence})
	}
	for _, k := range r.kinds() {
		terms = append(terms, Term{string(k.Kind), k.Meaning})
	}
	return terms
}

// kindCount sums up the injected faults of one kind.
type kindCount struct {
	Kind    Kind
	Meaning string
	Times   int
	Targets string
}

func (r *Report) kinds() (counts []kindCount) {
	for _, m := range meanings {
		k := kindCount{Kind: m.kind, Meaning: m.meaning}
		var targets []string
		for _, f := range r.Faults {
			if f.Kind == m.kind {
				k.Times++
				targets = append(targets, f.Target)
			}
		}
		slices.Sort(targets)
		k.Targets = strings.Join(slices.Compact(targets), ", ")
		if k.Times > 0 {
			counts = append(counts, k)
		}
	}
	return counts
}

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// Write writes report.html and report.json into a folder.
func (r *Report) Write(dir string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "report.html"))
	if err != nil {
		return err
	}
	defer f.Close()
	return pageTemplate.Execute(f, map[string]any{
		"Report": r, "Kept": len(r.broken()) == 0, "Kinds": r.kinds(), "Progress": template.HTML(r.progressPlot().SVG()), "Delivery": template.HTML(r.deliveryPlot().SVG()),
	})
}

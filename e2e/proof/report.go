package proof

import (
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

	_ "embed"
)

// Report is what came of a trial, as JSON; Text and HTML say the same.
type Report struct {
	Subject  string         `json:"subject"`
	Seed     uint64         `json:"seed"`
	Began    time.Time      `json:"began"`
	Took     float64        `json:"took"`    // seconds, from the first order to the end of all
	Settled  float64        `json:"settled"` // seconds of that, until every consumer had come to the end of the log
	Placed   int64          `json:"placed"`
	Changed  int64          `json:"changed"`
	Canceled int64          `json:"cancelled"`
	Again    int64          `json:"again"` // requests that had to be sent again
	Faults   []Fault        `json:"faults"`
	Promises []Verdict      `json:"promises"`
	Lags     map[string]Lag `json:"lags"` // by consumer
	Samples  []Sample       `json:"samples"`
}

// Verdict says whether a promise was kept.
type Verdict struct {
	Name     string   `json:"name"`
	Sentence string   `json:"sentence"`
	Looked   string   `json:"looked"`
	Broken   int      `json:"broken"`             // how often
	Examples []string `json:"examples,omitempty"` // the first of these
}

// Lag is how long entries were on their way, from the commit in order to the commit at the consumer, in milliseconds.
type Lag struct {
	Entries int     `json:"entries"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`

	all []time.Duration // shortest first
}

// Kept reports whether every promise was.
func (r *Report) Kept() bool {
	return !slices.ContainsFunc(r.Promises, func(v Verdict) bool { return v.Broken > 0 })
}

// Broken names the promises that were broken.
func (r *Report) Broken() (names []string) {
	for _, v := range r.Promises {
		if v.Broken > 0 {
			names = append(names, v.Name)
		}
	}
	return names
}

const examples = 5

func (t *trial) report(e Evidence, settled time.Duration) *Report {
	r := &Report{
		Subject: t.subject.Name, Seed: t.Seed, Began: t.began.UTC(), Took: time.Since(t.began).Seconds(), Settled: settled.Seconds(),
		Placed: t.writers.placed.Load(), Changed: t.writers.changed.Load(), Canceled: t.writers.cancelled.Load(), Again: t.writers.again.Load(),
		Faults: t.done, Lags: map[string]Lag{}, Samples: t.samples,
	}
	slices.SortFunc(r.Faults, func(a, b Fault) int { return int(a.At - b.At) })
	for _, p := range promises {
		f := p.broken(e)
		v := Verdict{Name: p.name, Sentence: p.sentence, Looked: f.looked, Broken: len(f.wrong)}
		for _, example := range f.wrong[:min(len(f.wrong), examples)] {
			v.Examples = append(v.Examples, strings.ToValidUTF8(example[:min(len(example), 500)], ""))
		}
		r.Promises = append(r.Promises, v)
	}
	for _, c := range t.subject.Consumers {
		if lags := e.lags(c); len(lags) > 0 {
			at := func(q float64) float64 { return float64(lags[int(q*float64(len(lags)-1))].Microseconds()) / 1000 }
			r.Lags[c.Name] = Lag{Entries: len(lags), P50: at(0.5), P99: at(0.99), Max: at(1), all: lags}
		}
	}
	return r
}

// Text writes the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	fmt.Fprintf(w, "\n%s on trial, seed %d: %d orders placed, %d changed, %d cancelled; %d requests sent again\n\ndone to it:\n",
		r.Subject, r.Seed, r.Placed, r.Changed, r.Canceled, r.Again)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range r.kinds() {
		fmt.Fprintf(table, "  %d\t%s\t%s\n", k.Times, k.Kind, k.Who)
	}
	fmt.Fprintf(table, "\npromised:\n")
	for _, v := range r.Promises {
		state := "kept"
		if v.Broken > 0 {
			state = fmt.Sprintf("BROKEN %d times", v.Broken)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.Name, state, v.Looked)
	}
	fmt.Fprintf(table, "\non the way, from commit to commit:\n")
	for _, name := range slices.Sorted(maps.Keys(r.Lags)) {
		l := r.Lags[name]
		fmt.Fprintf(table, "  %s\tp50 %.1f ms\tp99 %.1f ms\tmax %.1f ms\t%d entries\n", name, l.P50, l.P99, l.Max, l.Entries)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, v := range r.Promises {
		if v.Broken > 0 {
			fmt.Fprintf(w, "\nBROKEN: %s.\n", v.Sentence)
			for _, example := range v.Examples {
				fmt.Fprintf(w, "  %s\n", example)
			}
			if more := v.Broken - len(v.Examples); more > 0 {
				fmt.Fprintf(w, "  and %d more\n", more)
			}
		}
	}
	verdict := "every promise was kept"
	if !r.Kept() {
		verdict = "broken: " + strings.Join(r.Broken(), ", ")
	}
	_, err := fmt.Fprintf(w, "\n%s (%.0f s; all was quiet %.1f s after the last order)\n", verdict, r.Took, r.Settled)
	return err
}

type kindOfFault struct {
	Kind  Kind
	Times int
	Who   string
}

// kinds counts the faults by kind.
func (r *Report) kinds() (kinds []kindOfFault) {
	for _, kind := range append(slices.Clone(ofInstances), Stop, Crash, Cut, Reset, Short, Slow, Jam, JamKill, Poison) {
		var k kindOfFault
		met := map[string]int{}
		for _, f := range r.Faults {
			if f.Kind != kind {
				continue
			}
			k.Times++
			if f.Who != "" {
				met[f.Who]++
			}
		}
		var who []string
		for _, name := range slices.Sorted(maps.Keys(met)) {
			if n := met[name]; n > 1 {
				name += fmt.Sprintf(" x%d", n)
			}
			who = append(who, name)
		}
		k.Kind, k.Who = kind, strings.Join(who, ", ")
		if k.Times > 0 {
			kinds = append(kinds, k)
		}
	}
	return kinds
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
		"Report": r, "Kinds": r.kinds(), "Course": r.course(), "OnTheWay": r.onTheWay(), "Broken": strings.Join(r.Broken(), ", "),
	})
}

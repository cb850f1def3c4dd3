package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Text, page and JSON give the same verdict, whether promises were kept or not.
func TestReport(t *testing.T) {
	t.Parallel()
	r := &Report{Subject: "msatom", Seed: 7, Placed: 10, Delivery: map[string]Delivery{},
		Faults:   []Fault{{Kind: Kill, Target: "order-1", At: time.Second, For: time.Second}, {Kind: LinkCut, At: 2 * time.Second, For: time.Second}},
		Samples:  []Sample{{At: 0, Consumed: map[string]int64{"invoicing": 0}}, {At: 5, Placed: 10, Log: 12, Consumed: map[string]int64{"invoicing": 12}}},
		Promises: []Verdict{{Name: "gapless", Sentence: "No gaps", Examined: "12 entries"}},
	}
	r.Delivery["invoicing"] = Delivery{Entries: 2, P50: 1, P99: 2, Max: 2, times: []float64{1, 2}}
	for _, c := range []struct {
		verdict string
		do      func()
	}{
		{"every promise was kept", func() {}},
		{"broken: gapless", func() { r.Promises[0].Violations, r.Promises[0].Examples = 3, []string{"position <9> is missing"} }},
	} {
		c.do()
		var text bytes.Buffer
		dir := t.TempDir()
		if err := r.Text(&text); err != nil {
			t.Fatal(err)
		}
		if err := r.Write(dir); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), c.verdict) || !strings.Contains(string(page), c.verdict) {
			t.Errorf("missing: %s\n%s\n%s", c.verdict, &text, page)
		}
		if n := strings.Count(string(page), "<polyline"); n != 4 {
			t.Errorf("%d lines in the plots, want 4", n)
		}
		if n := strings.Count(string(page), "<rect"); n != len(r.Faults) {
			t.Errorf("%d bars in the plot, want %d", n, len(r.Faults))
		}
		if r.Promises[0].Violations > 0 && !strings.Contains(string(page), "position &lt;9&gt; is missing") {
			t.Error("the example is not on the page")
		}
		written, err := os.ReadFile(filepath.Join(dir, "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		var again Report
		if err := json.Unmarshal(written, &again); err != nil || again.Promises[0].Violations != r.Promises[0].Violations {
			t.Errorf("%+v, %v", again, err)
		}
	}
}

package proof

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The report says the same as text, as a page and as JSON, whether promises were kept or not.
func TestReport(t *testing.T) {
	r := &Report{Subject: "msatom", Seed: 7, Placed: 10, Lags: map[string]Lag{},
		Faults:   []Fault{{Kind: Kill, Who: "order-1", At: time.Second, For: time.Second}, {Kind: Cut, At: 2 * time.Second, For: time.Second}},
		Samples:  []Sample{{At: 0, Consumed: map[string]int64{"invoicing": 0}}, {At: 5, Placed: 10, Log: 12, Consumed: map[string]int64{"invoicing": 12}}},
		Promises: []Verdict{{Name: "gapless", Sentence: "No gaps", Looked: "12 entries"}},
	}
	r.Lags["invoicing"] = Lag{Entries: 2, P50: 1, P99: 2, Max: 2, all: []time.Duration{time.Millisecond, 2 * time.Millisecond}}
	for _, c := range []struct {
		says string
		do   func()
	}{
		{"every promise was kept", func() {}},
		{"broken: gapless", func() { r.Promises[0].Broken, r.Promises[0].Examples = 3, []string{"position <9> is missing"} }},
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
		if !strings.Contains(text.String(), c.says) || !strings.Contains(string(page), c.says) {
			t.Errorf("not said: %s\n%s\n%s", c.says, &text, page)
		}
		if n := strings.Count(string(page), "<polyline"); n != 4 {
			t.Errorf("%d lines are drawn, want 4", n)
		}
		if n := strings.Count(string(page), "<rect"); n != len(r.Faults) {
			t.Errorf("%d bars are drawn, want %d", n, len(r.Faults))
		}
		if r.Promises[0].Broken > 0 && !strings.Contains(string(page), "position &lt;9&gt; is missing") {
			t.Error("the example is not on the page")
		}
		written, err := os.ReadFile(filepath.Join(dir, "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		var again Report
		if err := json.Unmarshal(written, &again); err != nil || again.Promises[0].Broken != r.Promises[0].Broken {
			t.Errorf("%+v, %v", again, err)
		}
	}
}

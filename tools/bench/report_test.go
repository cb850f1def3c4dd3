package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"msatom/tools/plot"
)

func TestSamples(t *testing.T) {
	t.Parallel()
	s := samples{3, 1, 2, 10}
	if s.median() != 2.5 || s.quantile(0) != 1 || s.quantile(1) != 10 || mean(s) != 4 || (samples{}).median() != 0 {
		t.Errorf("median %v, lowest %v, highest %v, mean %v", s.median(), s.quantile(0), s.quantile(1), mean(s))
	}
	if r := (samples{2, 9}).over(samples{4, 3}); r[0] != 0.5 || r[1] != 3 {
		t.Errorf("ratios %v", r)
	}
	if m := s.batches(2, mean); len(m) != 2 || m[0] != 2 || m[1] != 6 {
		t.Errorf("means of two batches %v", m)
	}
	for v, want := range map[float64]string{0.1234: "0.12", 12.34: "12.3", 123.4: "123", 12345: "12,350", 1234567: "1,234,570"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestWriteKeepsTheTextAroundTheMarkers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(file, []byte("# Performance\n\n"+beginMarker+"old figures\n"+endMarker+"\nWhy a goal is missed.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &bench{began: time.Now(), root: dir, part: "things"}
	b.compare("a thing", "/s", samples{90, 80, 100}, samples{100, 100, 100}, "its limit", atLeast(0.8))
	b.show("its time", "ms", samples{7}, below(5, "ms"))
	b.plots = []figure{{"things", plot.Plot{Title: "a < b", X: "orders", Y: "ms", LogX: true,
		Lines: []plot.Line{{Name: "one & two", Points: [][2]float64{{1000, 1}, {1e6, 40}}}, {Name: "flat", Points: [][2]float64{{1000, 2}, {1e6, 2}}}}}}}
	if err := b.write(".", "on this machine"); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(written)
	if !strings.HasPrefix(text, "# Performance\n\n"+beginMarker) || !strings.HasSuffix(text, endMarker+"\nWhy a goal is missed.\n") || strings.Contains(text, "old figures") {
		t.Errorf("the text around the markers is not kept, or the text between them is:\n%s", text)
	}
	for _, want := range []string{"| a thing ", "0.90 (0.80 to 1.00) of it: 90.0 /s", "its limit: 100 /s", "| met ", "| 7.00 ms", "**not met**", "performance-things.svg"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "performance-things.svg")); err != nil || !strings.Contains(string(svg), "one &amp; two") {
		t.Errorf("%v: %s", err, svg)
	}
}

// A run ends only here when docs/performance.md cannot take its figures, so the markers are checked beforehand.
func TestPerformancePageHasTheMarkers(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if begin, end := strings.Index(string(page), beginMarker), strings.Index(string(page), endMarker); begin < 0 || end < begin {
		t.Error("docs/performance.md has not both markers, in order")
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	if chosen, err := choose("wake, feed"); err != nil || len(chosen) != 2 || chosen[0].name != "wake" {
		t.Errorf("%v, %v", chosen, err)
	}
	if _, err := choose("feed,none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Error(err)
	}
}

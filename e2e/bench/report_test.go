package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSamples(t *testing.T) {
	s := samples{3, 1, 2, 10}
	if s.median() != 2.5 || s.quantile(0) != 1 || s.quantile(1) != 10 || s.mean() != 4 || (samples{}).median() != 0 {
		t.Errorf("median %v, lowest %v, highest %v, mean %v", s.median(), s.quantile(0), s.quantile(1), s.mean())
	}
	if r := (pair{samples{2, 9}, samples{4, 3}}).ratios(); r[0] != 0.5 || r[1] != 3 {
		t.Errorf("ratios %v", r)
	}
	for v, want := range map[float64]string{0.1234: "0.12", 12.34: "12.3", 123.4: "123", 12345: "12,350", 1234567: "1,234,570"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

// The document has the figures, what was met and what not and why, and plots that are XML.
func TestDocument(t *testing.T) {
	dir := t.TempDir()
	b := &bench{began: time.Now(), root: dir, sections: []*section{{part: part{title: "Things", text: "How they are measured."}}}}
	b.compare("a thing", "/s", pair{samples{90, 80, 100}, samples{100, 100, 100}}, "its ceiling", atLeast(0.8))
	b.show("its time", "ms", samples{7}, below(5, "ms").because("it is long."))
	b.show("another time", "ms", samples{3}, below(5, "ms").because("never said."))
	b.plot(&plot{name: "things", title: "a < b", x: "orders", y: "ms", logX: true, lines: []line{{"one & two", [][2]float64{{1000, 1}, {1e6, 40}}}, {"flat", [][2]float64{{1000, 2}, {1e6, 2}}}}})
	if err := b.write("."); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Things", "How they are measured.", "| 90.0 /s ", "0.90 (0.80 to 1.00)", "| met ", "**not met**", "its time: it is long.", "performance-things.svg"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "never said") {
		t.Error("a reason is given for what was met")
	}
	svg, err := os.Open(filepath.Join(dir, "performance-things.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer svg.Close()
	for d := xml.NewDecoder(svg); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestChoose(t *testing.T) {
	if chosen, err := choose("wake, feed"); err != nil || len(chosen) != 2 || chosen[0].name != "wake" {
		t.Errorf("%v, %v", chosen, err)
	}
	if _, err := choose("feed,none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Error(err)
	}
}

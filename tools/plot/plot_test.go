package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// Whatever the values are, the plot is well-formed XML with finite coordinates.
func TestSVG(t *testing.T) {
	t.Parallel()
	for _, points := range [][][2]float64{nil, {{0, 0}}, {{0, 0}, {0.02, 7}, {5e6, 7}}, Distribution([]float64{3, 0, 1})} {
		for _, log := range []bool{false, true} {
			p := Plot{Title: "a < b", X: "ms", Y: `"share"`, LogX: log, Lines: []Line{{"one & two", points}}, Bars: []Bar{{"kill", "kill order-1", 0, 1}}}
			svg := p.SVG()
			if text := string(svg); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Count(text, "<rect") != 1 {
				t.Errorf("%v: %s", points, svg)
			}
			for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%v: %v in %s", points, err, svg)
				}
			}
		}
	}
}

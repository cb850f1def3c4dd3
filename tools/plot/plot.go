// Package plot draws line charts as SVG: for the report of the proof and for docs/performance.md.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
)

// Plot is a line chart.
type Plot struct {
	Title      string
	X, Y       string // labels of the axes
	LogX, LogY bool
	Lines      []Line
	Bars       []Bar // spans of X, drawn below the lines
}

// Line is a line through points, each x and y.
type Line struct {
	Name   string
	Points [][2]float64
}

// Bar is a span of X. Bars of the same lane lie side by side.
type Bar struct {
	Lane, Title string
	From, To    float64
}

// Distribution returns the points of a line that shows, for shares of the values from 0 to 1, the value that the share does not exceed.
func Distribution(values []float64) (points [][2]float64) {
	sorted := slices.Sorted(slices.Values(values))
	for percent := range 101 {
		points = append(points, [2]float64{sorted[percent*(len(sorted)-1)/100], float64(percent) / 100})
	}
	return points
}

const (
	width, height = 640, 360
	left, right   = 110, 20
	top, bottom   = 40, 60
	lane          = 14 // height of a lane
)

// colours can be told apart with the common forms of colour blindness (Okabe and Ito).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// SVG draws the plot on white, so that it is legible on any page.
func (p Plot) SVG() []byte {
	var lanes []string
	for _, bar := range p.Bars {
		if !slices.Contains(lanes, bar.Lane) {
			lanes = append(lanes, bar.Lane)
		}
	}
	full := height + lane*len(lanes)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, full)
	fmt.Fprintf(&b, `<title>%s</title><path d="M0 0H%dV%dH0z" fill="white"/>`+"\n", text(p.Title), width, full)
	fmt.Fprintf(&b, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", left, text(p.Title))
	across := p.scale(0, p.LogX, left, width-right)
	up := p.scale(1, p.LogY, height-bottom, top)
	for _, v := range across.ticks {
		x := across.at(v)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, top, height-bottom, x, height-bottom+16, tick(v))
	}
	for _, v := range up.ticks {
		y := up.at(v)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, y, width-right, left-6, y+4, tick(v))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-bottom+34, text(p.X))
	fmt.Fprintf(&b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, text(p.Y))
	for i, name := range lanes {
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-6, height-12+lane*i, text(name))
	}
	for _, bar := range p.Bars {
		from, y := across.at(bar.From), height-22+lane*slices.Index(lanes, bar.Lane)
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="10" fill="#999"><title>%s</title></rect>`+"\n", from, y, max(3, across.at(bar.To)-from), text(bar.Title))
	}
	for i, l := range p.Lines {
		colour := colours[i%len(colours)]
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour)
		for _, pt := range l.Points {
			fmt.Fprintf(&b, "%.1f,%.1f ", across.at(pt[0]), up.at(pt[1]))
		}
		b.WriteString("\"/>\n")
		if len(l.Points) <= 20 {
			for _, pt := range l.Points {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", across.at(pt[0]), up.at(pt[1]), colour)
			}
		}
		x := left + i*(width-left-right)/len(p.Lines)
		fmt.Fprintf(&b, `<path d="M%d %dh16" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n", x, full-12, colour, x+20, full-8, text(l.Name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// scale maps values on an axis to pixels.
type scale struct {
	log      bool
	low, top float64 // values; their logarithms if log
	from, to float64 // pixels
	ticks    []float64
}

func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(max(v, math.Pow(10, s.low)))
	}
	return s.from + (v-s.low)/(s.top-s.low)*(s.to-s.from)
}

// scale fits an axis to all lines: from zero, or between powers of ten if log.
func (p Plot) scale(axis int, log bool, from, to float64) scale {
	low, top := math.Inf(1), 0.0
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			low, top = min(low, pt[axis]), max(top, pt[axis])
		}
	}
	if top == 0 {
		top = 1
	}
	s := scale{log: log, from: from, to: to}
	if log {
		low = max(min(low, top), top/1e6) // zero has no logarithm
		s.low, s.top = math.Floor(math.Log10(low)), math.Ceil(math.Log10(top))
		if s.low == s.top {
			s.top++
		}
		for e := s.low; e <= s.top; e++ {
			s.ticks = append(s.ticks, math.Pow(10, e))
		}
		return s
	}
	step := math.Pow(10, math.Floor(math.Log10(top)))
	for top/step < 4 {
		step /= 2
	}
	for v := 0.0; v < top+step; v += step {
		s.ticks = append(s.ticks, v)
		s.top = v
	}
	return s
}

func tick(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%g M", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%g k", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

func text(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer returns no error
	return b.String()
}

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// plot is a diagram of lines.
type plot struct {
	name, title string
	x, y        string // what the axes show
	logX, logY  bool
	lines       []line
}

type line struct {
	name   string
	points [][2]float64
}

// plot adds a diagram to the part that is measured.
func (b *bench) plot(p *plot) {
	s := b.sections[len(b.sections)-1]
	s.plots = append(s.plots, p)
}

const (
	plotWidth, plotHeight = 640, 360
	plotLeft, plotRight   = 80, 20
	plotTop, plotBottom   = 40, 60
)

// colours can be told apart by who sees few.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// svg draws it on white, so that it can be read on any page.
func (p *plot) svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<title>%s</title><rect width="100%%" height="100%%" fill="white"/>`+"\n", text(p.title))
	fmt.Fprintf(&b, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", plotLeft, text(p.title))
	across := p.scale(0, p.logX, plotLeft, plotWidth-plotRight)
	up := p.scale(1, p.logY, plotHeight-plotBottom, plotTop)
	for _, v := range across.ticks {
		x := across.at(v)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, plotTop, plotHeight-plotBottom, x, plotHeight-plotBottom+16, tick(v))
	}
	for _, v := range up.ticks {
		y := up.at(v)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft, y, plotWidth-plotRight, plotLeft-6, y+4, tick(v))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-plotBottom+34, text(p.x))
	fmt.Fprintf(&b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (plotTop+plotHeight-plotBottom)/2, text(p.y))
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		var path strings.Builder
		for j, pt := range l.points {
			command := "L"
			if j == 0 {
				command = "M"
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", command, across.at(pt[0]), up.at(pt[1]))
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), colour)
		if len(l.points) <= 20 {
			for _, pt := range l.points {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", across.at(pt[0]), up.at(pt[1]), colour)
			}
		}
		x := plotLeft + i*(plotWidth-plotLeft-plotRight)/len(p.lines)
		fmt.Fprintf(&b, `<path d="M%d %dh16" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n", x, plotHeight-12, colour, x+20, plotHeight-8, text(l.name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// scale maps values to pixels.
type scale struct {
	log      bool
	low, top float64 // values, of logarithms where it is logarithmic
	from, to float64 // pixels
	ticks    []float64
}

func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return s.from + (v-s.low)/(s.top-s.low)*(s.to-s.from)
}

// scale fits an axis to the values of all lines: from zero, or in powers of ten.
func (p *plot) scale(axis int, log bool, from, to float64) scale {
	low, top := math.Inf(1), math.Inf(-1)
	for _, l := range p.lines {
		for _, pt := range l.points {
			low, top = min(low, pt[axis]), max(top, pt[axis])
		}
	}
	s := scale{log: log, from: from, to: to}
	if log {
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
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}

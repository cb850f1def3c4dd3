package proof

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// The two plots of the report, as what its template draws in SVG: lines and bars in a field of width by height, with marks on
// its edges.

const (
	width  = 900
	height = 260
	row    = 14 // of a fault's bar
)

type plot struct {
	Width, Height, Full int // of the field, and with what stands below it
	Lines               []plotLine
	Bars                []plotBar
	X, Y                []mark
}

type plotLine struct{ Name, Points string }

type plotBar struct {
	X, Y, Width float64
	Name, Lane  string
}

type mark struct {
	At   float64
	Text string
}

// course is how far everybody was at each moment, and below it what was done to the system meanwhile.
func (r *Report) course() plot {
	p := plot{Width: width, Height: height}
	end, most := 1.0, int64(1)
	for _, s := range r.Samples {
		end, most = max(end, s.At), max(most, s.Log, s.Placed)
	}
	x := func(seconds float64) float64 { return seconds / end * width }
	lines := map[string]*strings.Builder{}
	add := func(name string, at float64, n int64) {
		if lines[name] == nil {
			lines[name] = &strings.Builder{}
		}
		fmt.Fprintf(lines[name], "%.1f,%.1f ", x(at), height-float64(n)/float64(most)*height)
	}
	for _, s := range r.Samples {
		add("orders placed", s.At, s.Placed)
		add("log", s.At, s.Log)
		for name, n := range s.Consumed {
			add(name, s.At, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		p.Lines = append(p.Lines, plotLine{name, lines[name].String()})
	}
	for i, k := range r.kinds() {
		for _, f := range r.Faults {
			if f.Kind == k.Kind {
				p.Bars = append(p.Bars, plotBar{x(f.At.Seconds()), float64(height + 30 + i*row), max(3, x(f.For.Seconds())), f.String(), ""})
			}
		}
		p.Bars = append(p.Bars, plotBar{Y: float64(height + 30 + i*row), Lane: string(k.Kind)})
	}
	p.Full = height + 30 + len(r.kinds())*row
	p.X = marks(end, x, " s")
	p.Y = marks(float64(most), func(n float64) float64 { return height - n/float64(most)*height }, "")
	return p
}

// marks are some round numbers from 0 to most.
func marks(most float64, place func(float64) float64, unit string) (all []mark) {
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, finer := range []float64{2, 2.5, 2} {
		if most/step < 4 {
			step /= finer
		}
	}
	for n := 0.0; n <= most; n += step {
		all = append(all, mark{place(n), fmt.Sprintf("%g%s", n, unit)})
	}
	return all
}

// onTheWay is which part of the entries was at its consumer after how long; time is drawn in powers of ten.
func (r *Report) onTheWay() plot {
	p := plot{Width: width, Height: height, Full: height + 20}
	const least, most = -3.5, 2.5 // powers of ten of a second
	x := func(d time.Duration) float64 {
		return (min(max(math.Log10(d.Seconds()), least), most) - least) / (most - least) * width
	}
	for _, name := range slices.Sorted(maps.Keys(r.Lags)) {
		var points strings.Builder
		all := r.Lags[name].all
		for i := range 301 {
			part := float64(i) / 300
			fmt.Fprintf(&points, "%.1f,%.1f ", x(all[int(part*float64(len(all)-1))]), height-part*height)
		}
		p.Lines = append(p.Lines, plotLine{name, points.String()})
	}
	for _, d := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, 100 * time.Second} {
		p.X = append(p.X, mark{x(d), d.String()})
	}
	for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
		p.Y = append(p.Y, mark{height - part*height, fmt.Sprintf("%g %%", part*100)})
	}
	return p
}

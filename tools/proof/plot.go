package main

import (
	"maps"
	"slices"

	"msatom/tools/plot"
)

// The two plots of the report.

// progressPlot shows the orders, the log and the consumers over time, and the faults below them.
func (r *Report) progressPlot() plot.Plot {
	points := map[string][][2]float64{}
	for _, s := range r.Samples {
		add := func(name string, n int64) { points[name] = append(points[name], [2]float64{s.At, float64(n)}) }
		add("orders placed", s.Placed)
		add("log", s.Log)
		for name, n := range s.Consumed {
			add(name, n)
		}
	}
	p := plot.Plot{Title: "Progress", X: "seconds", Y: "orders, entries"}
	for _, name := range slices.Sorted(maps.Keys(points)) {
		p.Lines = append(p.Lines, plot.Line{Name: name, Points: points[name]})
	}
	for _, f := range r.Faults {
		p.Bars = append(p.Bars, plot.Bar{Lane: string(f.Kind), Title: f.String(), From: f.At.Seconds(), To: (f.At + f.For).Seconds()})
	}
	return p
}

// deliveryPlot shows which share of the entries had arrived after how long.
func (r *Report) deliveryPlot() plot.Plot {
	p := plot.Plot{Title: "Delivery time", X: "milliseconds", Y: "share of the entries", LogX: true}
	for _, name := range slices.Sorted(maps.Keys(r.Delivery)) {
		p.Lines = append(p.Lines, plot.Line{Name: name, Points: plot.Distribution(r.Delivery[name].times)})
	}
	return p
}

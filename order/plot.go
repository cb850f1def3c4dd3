// The histogram of completion times as a bar chart, which pages/parts.html draws as SVG.
package main

// Measures of the chart, in its own units. pages/parts.html has those that do not depend on the data.
const (
	barWidth   = 32
	barsHeight = 120
	baseline   = 140 // bottom of the bars
)

// Bar is one bucket of the chart.
type Bar struct {
	Left, Middle, Right int
	Top, Height         int
	Count               int
	Name                string // "10 ms to 20 ms"
	Label               string // on the axis, at Right; "" for most bars
}

// Bars lays the histogram out.
func (t Times) Bars() (bars []Bar) {
	highest := 1
	for _, b := range t.Histogram {
		highest = max(highest, b.Count)
	}
	from := ""
	for i, b := range t.Histogram {
		bar := Bar{Left: barWidth*i + 2, Middle: barWidth*i + barWidth/2, Right: barWidth * (i + 1), Count: b.Count}
		bar.Height = (b.Count*barsHeight + highest - 1) / highest // at least 1 unless the bucket is empty
		bar.Top = baseline - bar.Height
		to := formatSeconds(b.Below)
		switch {
		case i == 0:
			bar.Name = "below " + to
		case b.Below == 0:
			bar.Name = from + " or more"
		default:
			bar.Name = from + " to " + to
		}
		if i%3 == 0 && b.Below > 0 {
			bar.Label = to
		}
		bars, from = append(bars, bar), to
	}
	return bars
}

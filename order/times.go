// Completion times: from publishing an entry to seeing its acknowledgement, by the order database's clock alone, as the paper
// on Reliable Data Distribution over Atom measures them. Their distribution is shown in numbers and as a plot.
package main

import (
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"msatom/shared/page"
)

// Times are the completion times of a consumer's latest acknowledgements, in seconds.
type Times struct {
	Count     int      `json:"count"` // of those measured: at most the latest 10,000
	P50       float64  `json:"p50"`
	P90       float64  `json:"p90"`
	P99       float64  `json:"p99"`
	Max       float64  `json:"max"`
	Mean      float64  `json:"mean"`
	Histogram []Bucket `json:"histogram"`
}

// Bucket counts the times below a bound that are not below the bucket before it.
type Bucket struct {
	Below float64 `json:"below"` // seconds; 0 in the last: it has no bound
	Count int     `json:"count"`
}

// bounds of the buckets, in seconds: from a millisecond to ten minutes, in steps that look even on a logarithmic scale.
var bounds = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600}

func times(db *gorm.DB, consumer string) (t Times, err error) {
	const latest = "WITH latest AS MATERIALIZED (SELECT took FROM acknowledgement WHERE consumer = ? AND took IS NOT NULL ORDER BY position DESC LIMIT ?) "
	var sorted struct {
		Count       int
		Mean, Max   float64
		Percentiles string
	}
	err = db.Raw(latest+`SELECT count(*), coalesce(avg(took), 0) AS mean, coalesce(max(took), 0) AS max,
		to_json(coalesce(percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY took), ARRAY[0, 0, 0])) AS percentiles
		FROM latest`, consumer, timesMeasured).Scan(&sorted).Error
	if err != nil {
		return t, err
	}
	var at [3]float64
	if err := json.Unmarshal([]byte(sorted.Percentiles), &at); err != nil {
		return t, err
	}
	t = Times{Count: sorted.Count, P50: at[0], P90: at[1], P99: at[2], Max: sorted.Max, Mean: sorted.Mean}
	limits, err := json.Marshal(bounds)
	if err != nil {
		return t, err
	}
	var filled []struct{ Bucket, Count int }
	err = db.Raw(latest+"SELECT width_bucket(took, ARRAY(SELECT json_array_elements_text(?)::float)) AS bucket, count(*) FROM latest GROUP BY 1",
		consumer, timesMeasured, string(limits)).Scan(&filled).Error
	t.Histogram = make([]Bucket, len(bounds)+1)
	for i, bound := range bounds {
		t.Histogram[i].Below = bound
	}
	for _, f := range filled {
		t.Histogram[f.Bucket].Count = f.Count
	}
	return t, err
}

// Measures of the plot, in its own units. The labels stand below the bounds between the bars.
const (
	barWidth   = 32
	barsHeight = 120
	plotTop    = 20
)

// Plot is the histogram as the page draws it.
type Plot struct {
	Width, Height int
	Base, Below   int // where the bars stand, and the labels below them
	Bars          []Bar
	Ticks         []Tick
}

// Bar is one bucket.
type Bar struct {
	X, Y, Width, Height int
	Middle, Above       int // where its number stands
	Bucket              Bucket
	Name                string // "10 ms to 20 ms"
}

// Tick is a label on the axis.
type Tick struct {
	X    int
	Text string
}

// Plot draws the histogram.
func (t Times) Plot() Plot {
	p := Plot{Width: barWidth * len(t.Histogram), Height: plotTop + barsHeight + 28, Base: plotTop + barsHeight, Below: plotTop + barsHeight + 22}
	most := 1
	for _, b := range t.Histogram {
		most = max(most, b.Count)
	}
	from := ""
	for i, b := range t.Histogram {
		bar := Bar{X: barWidth*i + 2, Width: barWidth - 4, Middle: barWidth*i + barWidth/2, Bucket: b}
		bar.Height = (b.Count*barsHeight + most - 1) / most
		bar.Y = p.Base - bar.Height
		bar.Above = bar.Y - 4
		to := seconds(b.Below)
		switch {
		case i == 0:
			bar.Name = "below " + to
		case b.Below == 0:
			bar.Name = from + " or more"
		default:
			bar.Name = from + " to " + to
		}
		p.Bars = append(p.Bars, bar)
		if i%3 == 0 && b.Below > 0 {
			p.Ticks = append(p.Ticks, Tick{barWidth * (i + 1), to})
		}
		from = to
	}
	return p
}

// Seconds says a time as people do.
func (Times) Seconds(s float64) string { return seconds(s) }

func seconds(s float64) string { return page.Brief(time.Duration(s * float64(time.Second))) }

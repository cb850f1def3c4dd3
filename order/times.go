// Completion times: from publishing an entry to reading its acknowledgement, both by the clock of
// order's database, as in the paper on Reliable Data Distribution over Atom.
package main

import (
	"time"

	"gorm.io/gorm"

	"msatom/shared/page"
	"msatom/shared/postgres"
)

// Times are the completion times of a consumer's latest acknowledgements, in seconds.
type Times struct {
	Count     int      `json:"count"` // number of acknowledgements measured: the latest 10,000 at most
	P50       float64  `json:"p50"`
	P90       float64  `json:"p90"`
	P99       float64  `json:"p99"`
	Max       float64  `json:"max"`
	Mean      float64  `json:"mean"`
	Histogram []Bucket `json:"histogram"`
}

// Bucket counts the times below its bound that do not fall into an earlier bucket.
type Bucket struct {
	Below float64 `json:"below"` // seconds; 0 in the last bucket, which has no bound
	Count int     `json:"count"`
}

// bounds of the buckets in seconds: evenly spaced on a logarithmic scale.
var bounds = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600}

func readTimes(db *gorm.DB, consumer string) (t Times, err error) {
	const latest = "WITH latest AS MATERIALIZED (SELECT took FROM acknowledgement WHERE consumer = ? AND took IS NOT NULL ORDER BY position DESC LIMIT ?) "
	err = db.Raw(latest+`SELECT count, mean, max, coalesce(percentiles[1], 0), coalesce(percentiles[2], 0), coalesce(percentiles[3], 0)
		FROM (SELECT count(*), coalesce(avg(took), 0) AS mean, coalesce(max(took), 0) AS max,
			percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY took) AS percentiles FROM latest) AS summary`,
		consumer, maxTimesMeasured).Row().Scan(&t.Count, &t.Mean, &t.Max, &t.P50, &t.P90, &t.P99)
	if err != nil {
		return t, err
	}
	var filled []struct{ Bucket, Count int }
	err = db.Raw(latest+"SELECT width_bucket(took, ?::double precision[]) AS bucket, count(*) FROM latest GROUP BY bucket",
		consumer, maxTimesMeasured, postgres.Array(bounds)).Scan(&filled).Error
	t.Histogram = make([]Bucket, len(bounds)+1)
	for i, bound := range bounds {
		t.Histogram[i].Below = bound
	}
	for _, f := range filled {
		t.Histogram[f.Bucket].Count = f.Count
	}
	return t, err
}

// Seconds formats one of the times for a page.
func (Times) Seconds(s float64) string { return formatSeconds(s) }

func formatSeconds(s float64) string { return page.Brief(time.Duration(s * float64(time.Second))) }

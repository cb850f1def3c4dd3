package main

import (
	"slices"
	"time"
)

// Whatever is compared is measured in turn: A B A B. What else the machine does then disturbs both alike, so the ratio of
// neighbours holds where absolute figures drift. Tables show the median of the rounds, and the lowest and highest beside it.

// samples are measurements of one thing, in the order in which they were taken.
type samples []float64

// quantile returns the value that a share q of the samples, 0 to 1, does not exceed.
func (s samples) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

func (s samples) median() float64 { return s.quantile(0.5) }

// batches splits the samples into n runs of equal length and returns f of each.
func (s samples) batches(n int, f func(samples) float64) (result samples) {
	for batch := range slices.Chunk(s, max(1, len(s)/n)) {
		result = append(result, f(batch))
	}
	return result
}

// over returns the ratios of neighbours: s by other.
func (s samples) over(other samples) (ratios samples) {
	for i := range s {
		ratios = append(ratios, s[i]/other[i])
	}
	return ratios
}

// measure takes one sample that lasts about d.
type measure func(d time.Duration) float64

// alternate takes samples of about length d from each measure in turn and returns them in the order of the measures. With
// QUICK, it runs one short round.
func (b *bench) alternate(what string, rounds int, d time.Duration, takes ...measure) []samples {
	taken := make([]samples, len(takes))
	if b.quick {
		rounds, d = 1, min(d, 50*time.Millisecond)
	}
	// The first round warms up and does not count: connections are made, memory is taken, caches fill.
	for round := range rounds + 1 {
		for i, take := range takes {
			b.progress("%s: round %d of %d", what, round, rounds)
			check(b.ctx.Err())
			if v := take(d); round > 0 {
				taken[i] = append(taken[i], v)
			}
		}
	}
	return taken
}

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Everything is measured beside its yardstick, the two taken in turn: A B A B. What else the machine does then disturbs both, and
// the ratio of neighbours stays. The median of the rounds is shown, and the lowest and highest beside it.

// samples are measurements of one thing.
type samples []float64

// quantile is the value that a part q of the samples does not exceed.
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

func (s samples) mean() (sum float64) {
	for _, v := range s {
		sum += v / float64(len(s))
	}
	return sum
}

// pair is one thing and its yardstick, measured in turn.
type pair struct{ a, b samples }

// ratios are a by b, of neighbours.
func (p pair) ratios() (r samples) {
	for i := range p.a {
		r = append(r, p.a[i]/p.b[i])
	}
	return r
}

// inverse is for what is better when it is less, such as time.
func (p pair) inverse() pair { return pair{p.b, p.a} }

// measure takes one sample that lasts about d.
type measure func(ctx context.Context, d time.Duration) (float64, error)

// alternate measures a and b in turn.
func (b *bench) alternate(ctx context.Context, what string, one, other measure) (p pair, err error) {
	return b.alternateFor(ctx, what, b.rounds(5), b.length(time.Second), one, other)
}

// alternateFor is alternate with a number of rounds, and the length of one sample.
func (b *bench) alternateFor(ctx context.Context, what string, rounds int, d time.Duration, one, other measure) (p pair, err error) {
	// The first of each is not counted: connections are made, memory is taken, caches fill.
	for i := -1; i < rounds; i++ {
		b.progress("%s: %d of %d", what, i+1, rounds)
		for _, m := range []struct {
			take measure
			into *samples
		}{{one, &p.a}, {other, &p.b}} {
			v, err := m.take(ctx, d)
			if err != nil {
				return p, fmt.Errorf("%s: %w", what, err)
			}
			if i >= 0 {
				*m.into = append(*m.into, v)
			}
		}
	}
	return p, nil
}

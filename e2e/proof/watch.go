package proof

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// While the trial runs, somebody looks every second how far everybody is: to show it, and for the plot in the report.

// Sample is how far everybody was at a moment.
type Sample struct {
	At       float64          `json:"at"` // seconds since the writers began
	Placed   int64            `json:"placed"`
	Log      int64            `json:"log"`      // last position
	Pending  int64            `json:"pending"`  // events without a position yet
	Consumed map[string]int64 `json:"consumed"` // position that each consumer has passed
}

func (s Sample) settled() bool {
	for _, position := range s.Consumed {
		if position < s.Log {
			return false
		}
	}
	return s.Pending == 0
}

func (t *trial) sample(ctx context.Context) (Sample, error) {
	s := Sample{At: time.Since(t.began).Seconds(), Placed: t.writers.placed.Load(), Consumed: map[string]int64{}}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := t.db.QueryRow(ctx, t.subject.Head).Scan(&s.Log, &s.Pending); err != nil {
		return s, err
	}
	for _, c := range t.subject.Consumers {
		var position int64
		if err := t.db.QueryRow(ctx, "SELECT coalesce(("+c.Cursor+"), 0)").Scan(&position); err != nil {
			return s, err
		}
		s.Consumed[c.Name] = position
	}
	return s, nil
}

func (t *trial) watch(ctx context.Context) {
	inPlace := false
	if f, ok := t.Out.(*os.File); ok {
		info, err := f.Stat()
		inPlace = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	end := "\n"
	if inPlace {
		end = "\r"
		defer fmt.Fprint(t.Out, "\x1b[K")
	}
	for n := 0; ctx.Err() == nil; n++ {
		s, err := t.sample(ctx)
		if err == nil {
			t.mu.Lock()
			t.samples = append(t.samples, s)
			t.mu.Unlock()
		}
		if ctx.Err() == nil && (inPlace || n%5 == 0) {
			fmt.Fprint(t.Out, t.progress(s, err), end)
		}
		wait(ctx, time.Second)
	}
}

// progress is a line about where the trial is.
func (t *trial) progress(s Sample, err error) string {
	const width = 20
	full := min(width, int(s.Placed)*width/max(1, t.Orders))
	line := fmt.Sprintf("%5.0f s [%s%s] %d of %d orders", s.At, strings.Repeat("#", full), strings.Repeat(".", width-full), s.Placed, t.Orders)
	if err != nil {
		line += ", Postgres is away"
	} else {
		line += fmt.Sprintf(", %d in the log", s.Log)
		for _, c := range slices.SortedFunc(slices.Values(t.subject.Consumers), func(a, b Consumer) int { return cmp.Compare(a.Name, b.Name) }) {
			if behind := s.Log - s.Consumed[c.Name]; behind > 0 {
				line += fmt.Sprintf(", %s %d behind", c.Name, behind)
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return line + "; " + t.doing
}

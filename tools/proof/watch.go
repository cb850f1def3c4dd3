package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Every second the trial records how far everything is, for the progress lines and for the plot in the report.

// Sample is the state of the trial at one moment.
type Sample struct {
	At       float64          `json:"at"`       // seconds since the first order
	Placed   int64            `json:"placed"`   // orders
	Log      int64            `json:"log"`      // last position
	Pending  int64            `json:"pending"`  // events without a position
	Consumed map[string]int64 `json:"consumed"` // consumer: the last position that it has processed
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
	for n := 0; ctx.Err() == nil; n++ {
		s, err := t.sample(ctx)
		if err == nil {
			t.mu.Lock()
			t.samples = append(t.samples, s)
			t.mu.Unlock()
		}
		if ctx.Err() == nil && n%5 == 0 {
			fmt.Fprintln(os.Stderr, t.progress(s, err))
		}
		wait(ctx, time.Second)
	}
}

// progress returns a line that says how far the trial is.
func (t *trial) progress(s Sample, err error) string {
	line := fmt.Sprintf("%5.0f s  %d of %d orders", s.At, s.Placed, t.Orders)
	if err != nil {
		line += ", Postgres does not answer"
	} else {
		line += fmt.Sprintf(", %d in the log", s.Log)
		for _, c := range t.subject.Consumers {
			if behind := s.Log - s.Consumed[c.Name]; behind > 0 {
				line += fmt.Sprintf(", %s %d behind", c.Name, behind)
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return line + "; " + t.activity
}

// note sets what the progress line says about the present activity.
func (t *trial) note(activity string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.activity = activity
}

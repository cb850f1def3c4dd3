package main

import (
	"reflect"
	"testing"
	"time"
)

// A seed always gives the same plan. A plan of a minute contains every kind, and the faults of a chain never overlap.
func TestPlan(t *testing.T) {
	t.Parallel()
	s := msatom()
	if !reflect.DeepEqual(plan(s, 7, time.Minute), plan(s, 7, time.Minute)) {
		t.Error("one seed gives two plans")
	}
	if reflect.DeepEqual(plan(s, 7, time.Minute), plan(s, 8, time.Minute)) {
		t.Error("two seeds give the same plan")
	}
	for seed := range uint64(50) {
		times := map[Kind]int{}
		for _, chain := range plan(s, seed, time.Minute) {
			free := time.Duration(0)
			for _, f := range chain {
				if times[f.Kind]++; f.At < free || f.At+f.For > time.Minute {
					t.Errorf("seed %d: %v at %v for %v, the fault before it ends at %v", seed, f, f.At, f.For, free)
				}
				free = f.At + f.For
			}
		}
		for _, m := range meanings {
			if times[m.kind] == 0 {
				t.Errorf("seed %d: no %s within a minute", seed, m.kind)
			}
		}
	}
}

// The report lists and explains the kinds in meanings; a kind that is not there would be left out.
func TestEveryKindIsExplained(t *testing.T) {
	t.Parallel()
	explained := map[Kind]bool{}
	for _, m := range meanings {
		explained[m.kind] = m.meaning != ""
	}
	for _, kind := range msatom().Faults {
		if !explained[kind] {
			t.Errorf("%s is not explained", kind)
		}
	}
}

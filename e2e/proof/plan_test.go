package proof

import (
	"reflect"
	"testing"
	"time"
)

// The same seed, the same faults; another seed, others. All kinds come, none before its time, one at a time in each chain.
func TestPlan(t *testing.T) {
	s := Msatom()
	if !reflect.DeepEqual(plan(s, 7, time.Minute), plan(s, 7, time.Minute)) {
		t.Error("a seed gives two plans")
	}
	if reflect.DeepEqual(plan(s, 7, time.Minute), plan(s, 8, time.Minute)) {
		t.Error("two seeds give one plan")
	}
	for seed := range uint64(50) {
		met := map[Kind]int{}
		for _, chain := range plan(s, seed, time.Minute) {
			free := time.Duration(0)
			for _, f := range chain {
				if met[f.Kind]++; f.At < free || f.At+f.For > time.Minute {
					t.Errorf("seed %d: %v at %v for %v, the one before ends at %v", seed, f, f.At, f.For, free)
				}
				free = f.At + f.For
			}
		}
		for _, k := range s.Faults {
			if met[k] == 0 {
				t.Errorf("seed %d: no %s within a minute", seed, k)
			}
		}
	}
}

package proof

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// What is done to the system, and when, follows from the seed alone: the same seed, the same faults.

// Kind is a kind of fault.
type Kind string

// The kinds of faults. Those of instances come one after another; those of what is around them run beside.
const (
	Kill    Kind = "kill -9"          // an instance, which is started again a second later
	Freeze  Kind = "freeze"           // SIGSTOP to an instance, later SIGCONT
	Restart Kind = "restart"          // an instance is stopped in order and started
	More    Kind = "one more"         // an instance joins, and leaves again
	Less    Kind = "one less"         // an instance leaves, and joins again
	Clock   Kind = "clock stepped"    // an instance's clock is set to another time, from then on
	Stop    Kind = "Postgres restart" // in order
	Crash   Kind = "Postgres kill -9" // it recovers from its log
	Cut     Kind = "link cut"         // between the consumers and order: connections end, none can be made
	Reset   Kind = "link reset"       // connections are reset in the middle of an answer
	Short   Kind = "link short"       // connections end after some bytes: half documents
	Slow    Kind = "link slow"        // every answer takes its time
	Jam     Kind = "jam"              // a service's records are locked, as a migration or a report would do it
	JamKill Kind = "jam and kill -9"  // and its instances are killed while they wait for that
	JamStop Kind = "jam and freeze"   // and one of its instances is frozen while it waits, in the middle of its transactions
	Poison  Kind = "poison"           // an entry that no consumer can process gets into the log
)

var (
	ofInstances    = []Kind{Kill, Freeze, Restart, More, Less, Clock, JamStop}
	ofSurroundings = []Kind{Stop, Cut, Poison, Slow, JamKill, Crash, Short, Poison, Reset, Jam}
)

// Fault is one thing done to the system.
type Fault struct {
	Kind Kind          `json:"kind"`
	Who  string        `json:"who,omitempty"` // instance, or service; of a poison entry what is wrong with it
	At   time.Duration `json:"at"`            // since the writers began
	For  time.Duration `json:"for"`           // how long until it is healed
	Step time.Duration `json:"step,omitempty"`
	Note string        `json:"note,omitempty"` // what came of it, where that was something else
}

// String says it in a few words.
func (f Fault) String() string {
	s := string(f.Kind)
	if f.Who != "" {
		s += " " + f.Who
	}
	if f.Kind == Clock {
		s += fmt.Sprintf(" by %v", f.Step)
	}
	return s
}

// plan makes the faults of a trial: two chains, each with a fault, its end, and a pause, over and over; each kind comes once
// before any comes again.
func plan(s Subject, seed uint64, length time.Duration) (chains [][]Fault) {
	random := rand.New(rand.NewPCG(seed, 0))
	evil := random.Perm(len(poisons))
	for _, chain := range [][]Kind{ofInstances, ofSurroundings} {
		kinds := slices.DeleteFunc(slices.Clone(chain), func(k Kind) bool { return !slices.Contains(s.Faults, k) })
		if len(kinds) == 0 {
			continue
		}
		var left []Kind
		var faults []Fault
		for at := between(random, 500*time.Millisecond, time.Second); ; {
			if len(left) == 0 {
				left = slices.Clone(kinds)
				random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
			}
			f := s.fault(random, left[0])
			left = left[1:]
			if f.Kind == Poison {
				f.Who = poisons[evil[0]].what
				evil = append(evil[1:], evil[0])
			}
			f.At = at
			if f.For = min(f.For, length-at); at > length-500*time.Millisecond {
				break
			}
			at += f.For
			faults = append(faults, f)
			at += between(random, 200*time.Millisecond, 1500*time.Millisecond)
		}
		chains = append(chains, faults)
	}
	return chains
}

// fault chooses whom it meets and for how long.
func (s Subject) fault(random *rand.Rand, kind Kind) Fault {
	f := Fault{Kind: kind, For: between(random, 500*time.Millisecond, 4*time.Second)}
	service := s.Disturbed[random.IntN(len(s.Disturbed))]
	switch kind {
	case Kill, Freeze, Restart, Less, Clock, JamStop:
		f.Who = fmt.Sprintf("%s-%d", service, random.IntN(s.Instances[service])+1)
	case More:
		f.Who = fmt.Sprintf("%s-%d", service, s.Instances[service]+1)
	case Jam, JamKill:
		f.Who = service
	case Poison:
		f.For = 0
	}
	if kind == Clock {
		f.For, f.Step = 0, clockSteps[random.IntN(len(clockSteps))]
	}
	return f
}

// clockSteps are how far a clock is set forwards or back.
var clockSteps = []time.Duration{-25 * time.Hour, -time.Hour, -90 * time.Second, -time.Second, time.Second, 90 * time.Second, time.Hour, 25 * time.Hour}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return (least + time.Duration(random.Int64N(int64(most-least)))).Round(time.Millisecond)
}

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The plan of a trial: which faults happen, when, and to what. It depends on the seed alone, so the same seed gives the same faults.

// Kind is a kind of fault.
type Kind string

const (
	Kill       Kind = "kill -9"
	Freeze     Kind = "freeze"
	Restart    Kind = "restart"
	ScaleUp    Kind = "scale up"
	ScaleDown  Kind = "scale down"
	ClockStep  Kind = "clock step"
	LockFreeze Kind = "lock and freeze"

	PostgresRestart Kind = "Postgres restart"
	PostgresKill    Kind = "Postgres kill -9"
	LinkCut         Kind = "link cut"
	LinkReset       Kind = "link reset"
	LinkTruncate    Kind = "link truncate"
	LinkDelay       Kind = "link delay"
	Lock            Kind = "table lock"
	LockKill        Kind = "lock and kill -9"
	Poison          Kind = "poison message"
)

// meanings explain the kinds in the report, which lists them in this order.
var meanings = []struct {
	kind    Kind
	meaning string
}{
	{Kill, "an instance is killed; its supervisor starts it again a second later"},
	{Freeze, "an instance stands still (SIGSTOP) and goes on later (SIGCONT)"},
	{Restart, "an instance is shut down gracefully and started again"},
	{ScaleUp, "an instance is added for a while"},
	{ScaleDown, "an instance is taken away for a while"},
	{ClockStep, "an instance continues with a wrong clock"},
	{LockFreeze, "an instance is frozen in the middle of its transactions, while a lock on its table holds them"},
	{PostgresRestart, "Postgres is restarted"},
	{PostgresKill, "Postgres is killed and recovers from its write-ahead log"},
	{LinkCut, "between consumers and order, connections break and new ones are refused"},
	{LinkReset, "between consumers and order, connections are reset in the middle of an answer"},
	{LinkTruncate, "between consumers and order, connections end after 4,000 bytes"},
	{LinkDelay, "between consumers and order, every answer takes 0.1 to 0.7 seconds longer"},
	{Lock, "the table of a service is locked, as by a migration or a report"},
	{LockKill, "all instances of a service are killed while a lock on its table holds their transactions"},
	{Poison, "an entry that consumers cannot process is committed to the log"},
}

// The plan has two chains, which run side by side: faults of instances, and faults of what surrounds them.
var (
	instanceFaults    = []Kind{Kill, Freeze, Restart, ScaleUp, ScaleDown, ClockStep, LockFreeze}
	surroundingFaults = []Kind{PostgresRestart, LinkCut, Poison, LinkDelay, LockKill, PostgresKill, LinkTruncate, Poison, LinkReset, Lock}
)

// Fault is one planned fault.
type Fault struct {
	Kind   Kind          `json:"kind"`
	Target string        `json:"target,omitempty"` // instance or service; for a poison message, what is wrong with it
	At     time.Duration `json:"at"`               // since the first order
	For    time.Duration `json:"for"`              // until it is healed
	Step   time.Duration `json:"step,omitempty"`   // of the clock
	Note   string        `json:"note,omitempty"`   // why it could not be injected
}

// String returns the kind and the target, and for a clock step its size.
func (f Fault) String() string {
	s := string(f.Kind)
	if f.Target != "" {
		s += " " + f.Target
	}
	if f.Kind == ClockStep {
		s += fmt.Sprintf(" by %v", f.Step)
	}
	return s
}

// plan returns the chains of faults for a trial of the given length.
func plan(s Subject, seed uint64, length time.Duration) (chains [][]Fault) {
	random := rand.New(rand.NewPCG(seed, 0))
	for _, kinds := range [][]Kind{instanceFaults, surroundingFaults} {
		kinds = slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return !slices.Contains(s.Faults, k) })
		if len(kinds) > 0 {
			chains = append(chains, s.chain(random, kinds, length))
		}
	}
	return chains
}

// chain returns one fault after another, with pauses between them. Every kind occurs once before any occurs again.
func (s Subject) chain(random *rand.Rand, kinds []Kind, length time.Duration) (faults []Fault) {
	var left []Kind
	nextPoison := random.IntN(len(poisons))
	for at := between(random, 500*time.Millisecond, time.Second); at <= length-500*time.Millisecond; {
		if len(left) == 0 {
			left = slices.Clone(kinds)
			random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		}
		f := s.fault(random, left[0])
		left = left[1:]
		if f.Kind == Poison {
			f.Target = poisons[nextPoison%len(poisons)].flaw
			nextPoison++
		}
		f.At, f.For = at, min(f.For, length-at)
		faults = append(faults, f)
		at += f.For + between(random, 200*time.Millisecond, 1500*time.Millisecond)
	}
	return faults
}

// fault chooses a target and a duration.
func (s Subject) fault(random *rand.Rand, kind Kind) Fault {
	f := Fault{Kind: kind, For: between(random, 500*time.Millisecond, 4*time.Second)}
	service := s.Disturbed[random.IntN(len(s.Disturbed))]
	switch kind {
	case Kill, Freeze, Restart, ScaleDown, ClockStep, LockFreeze:
		f.Target = fmt.Sprintf("%s-%d", service, random.IntN(s.Instances[service])+1)
	case ScaleUp:
		f.Target = fmt.Sprintf("%s-%d", service, s.Instances[service]+1)
	case Lock, LockKill:
		f.Target = service
	case Poison:
		f.For = 0
	}
	if kind == ClockStep {
		f.For, f.Step = 0, clockSteps[random.IntN(len(clockSteps))]
	}
	return f
}

var clockSteps = []time.Duration{-25 * time.Hour, -time.Hour, -90 * time.Second, -time.Second, time.Second, 90 * time.Second, time.Hour, 25 * time.Hour}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return (least + time.Duration(random.Int64N(int64(most-least)))).Round(time.Millisecond)
}

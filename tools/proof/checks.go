package main

import (
	"fmt"
	"maps"
	"slices"
)

// The promises, and the checks of those that order keeps. Those that the consumers keep are checked in checks_consumers.go.

// promise is a statement about the system and the check that looks for violations of it in the evidence.
type promise struct {
	name     string
	sentence string
	check    func(Evidence) finding
}

// finding is the result of a check.
type finding struct {
	examined   string // how much of what was examined
	violations []string
}

var promises = []promise{
	{"answers", "Every request is answered in the end, and no answer is an unexpected error", answers},
	{"durable", "Every order that a writer was told of exists as it was last answered, and no other order exists", durable},
	{"logged", "Every committed order is in the log, and its latest entry says what writers were told", logged},
	{"gapless", "The log has the positions 1 to n, each once", gapless},
	{"readers", "A reader that follows the links, or polls as http-feeds, sees every entry once and in order", readersSawAll},
	{"archive", "Archived documents never change, in any media type", archiveUnchanged},
	{"exactly once", "Every order has exactly one record at each consumer, and every record has an order", exactlyOnce},
	{"content", "Each record says what its order says, to the cent", content},
	{"cancelled", "The record of a cancelled order is void, and no other is", cancelled},
	{"dead letters", "The dead letters are the poison messages and nothing else", onlyPoison},
	{"acknowledged", "Consumers acknowledge the latest entry of every order and no poison message, and order knows it", acknowledged},
	{"caught up", "Every consumer reaches the end of the log", caughtUp},
}

func (f *finding) add(format string, args ...any) {
	f.violations = append(f.violations, fmt.Sprintf(format, args...))
}

func answers(e Evidence) finding {
	return finding{fmt.Sprintf("%d orders", len(e.told)), e.refused}
}

func durable(e Evidence) (f finding) {
	f.examined = fmt.Sprintf("%d orders", len(e.orders))
	for _, id := range sorted(e.orders) {
		if told, ok := e.told[id]; !ok {
			f.add("order %d exists, but no writer was told of it", id)
		} else if said, is := told.order.text(), e.orders[id].text(); said != is {
			f.add("order %d: writers were told %s, it is %s", id, said, is)
		}
	}
	for _, id := range sorted(e.told) {
		if _, ok := e.orders[id]; !ok {
			f.add("a writer was told of order %d, but it does not exist", id)
		}
	}
	return f
}

func logged(e Evidence) (f finding) {
	f.examined = fmt.Sprintf("%d orders", len(e.orders))
	for _, id := range sorted(e.orders) {
		entry, ok := e.latest[id]
		if !ok || entry.position == 0 {
			f.add("order %d is not in the log", id)
		} else if said, is := e.told[id].order.text(), entry.order.text(); said != is {
			f.add("order %d: writers were told %s, the log says %s", id, said, is)
		}
	}
	return f
}

func gapless(e Evidence) (f finding) {
	f.examined = fmt.Sprintf("%d entries", len(e.log))
	for i, entry := range e.log {
		if entry.position != int64(i+1) {
			f.add("position %d in the place of %d", entry.position, i+1)
		}
	}
	return f
}

func readersSawAll(e Evidence) (f finding) {
	f.examined = fmt.Sprintf("%d entries", len(e.log))
	f.compareSeen("by links", e.log, e.links)
	if len(e.subject.Archive) > 0 {
		f.compareSeen("as http-feeds", e.log, e.events)
	}
	return f
}

// compareSeen compares the entries that a reader has seen with the log.
func (f *finding) compareSeen(how string, log []event, seen []string) {
	times := map[string]int{}
	for _, id := range seen {
		times[id]++
	}
	for i, entry := range log {
		switch n := times[entry.id]; {
		case n == 0:
			f.add("entry %d was never seen %s", entry.position, how)
		case n > 1:
			f.add("entry %d was seen %d times %s", entry.position, n, how)
		case len(seen) == len(log) && seen[i] != entry.id:
			f.add("entry %d was seen out of order %s", entry.position, how)
		}
		delete(times, entry.id)
	}
	for id := range times {
		f.add("%q was seen %s, but is not in the log", id, how)
	}
}

func archiveUnchanged(e Evidence) (f finding) {
	f.examined = fmt.Sprintf("%d documents", e.archived)
	if want := (len(e.log) - 1) / 100 * len(e.subject.Archive); e.archived < want {
		f.add("only %d of %d archived documents were found", e.archived, want)
	}
	for _, document := range e.altered {
		f.add("%s has changed", document)
	}
	return f
}

func sorted[T any](m map[int64]T) []int64 { return slices.Sorted(maps.Keys(m)) }

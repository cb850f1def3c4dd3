package proof

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What is promised. Each promise is a sentence and a function that looks for what breaks it.

// promise is one of them.
type promise struct {
	name     string
	sentence string
	broken   func(Evidence) finding
}

// finding is what a check has looked at and what it found wrong.
type finding struct {
	looked string // at how much of what
	wrong  []string
}

var promises = []promise{
	{"answers", "Every request of a writer is answered in the end, and by an answer that fits", answers},
	{"told", "What writers were told is so: every order that was acknowledged is there, as it was last said, and no other", toldIsSo},
	{"logged", "Every order that was committed is in the log, and its latest entry says what writers were told", logged},
	{"gapless", "The log has the positions 1 to n, each once", gapless},
	{"readers", "Who follows the feed by its links, or as http-feeds, sees every entry once and in order", readersSawAll},
	{"archive", "Archived documents never change, in any dialect", archive},
	{"exactly once", "Every order has exactly one record with each consumer, and nothing has one that is no order", exactlyOnce},
	{"content", "Each record says what the order says, to the cent", content},
	{"cancelled", "The record of a cancelled order is void, of any other not", cancelled},
	{"parked", "Parked are the poison entries and no others", parked},
	{"acknowledged", "What is acknowledged is what was delivered: the latest entry of every order, and no poison; and order knows it", acknowledged},
	{"caught up", "Every consumer comes to the end of the log", caughtUp},
}

func (f *finding) add(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

func answers(e Evidence) finding {
	return finding{looked: fmt.Sprintf("%d orders", len(e.told)), wrong: e.refused}
}

func toldIsSo(e Evidence) (f finding) {
	f.looked = fmt.Sprintf("%d orders", len(e.orders))
	for _, id := range sorted(e.orders) {
		if told, ok := e.told[id]; !ok {
			f.add("order %d is there, but nobody was told of it", id)
		} else if said, is := told.order.text(), e.orders[id].text(); said != is {
			f.add("order %d: writers were told %s, it is %s", id, said, is)
		}
	}
	for _, id := range sorted(e.told) {
		if _, there := e.orders[id]; !there {
			f.add("order %d was acknowledged, but is not there", id)
		}
	}
	return f
}

func logged(e Evidence) (f finding) {
	f.looked = fmt.Sprintf("%d orders", len(e.orders))
	for _, id := range sorted(e.orders) {
		entry, ok := e.latest[id]
		if !ok || entry.position == 0 {
			f.add("order %d is not in the log", id)
			continue
		}
		if said, in := e.told[id].order.text(), entry.order.text(); said != in {
			f.add("order %d: writers were told %s, the log says %s", id, said, in)
		}
	}
	return f
}

func gapless(e Evidence) (f finding) {
	f.looked = fmt.Sprintf("%d entries", len(e.log))
	for i, entry := range e.log {
		if entry.position != int64(i+1) {
			f.add("position %d stands where %d belongs", entry.position, i+1)
		}
	}
	return f
}

func readersSawAll(e Evidence) (f finding) {
	f.looked = fmt.Sprintf("%d entries", len(e.log))
	f.saw("by links", e.log, e.links)
	if len(e.subject.Archive) > 0 {
		f.saw("as http-feeds", e.log, e.events)
	}
	return f
}

// saw compares what a reader has seen with the log.
func (f *finding) saw(how string, log []event, seen []string) {
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
			f.add("entry %d was not seen in its place %s", entry.position, how)
		}
		delete(times, entry.id)
	}
	for id := range times {
		f.add("%q, which is no entry, was seen %s", id, how)
	}
}

func archive(e Evidence) (f finding) {
	f.looked = fmt.Sprintf("%d documents", e.archived)
	if want := (len(e.log) - 1) / 100 * len(e.subject.Archive); e.archived < want {
		f.add("%d archived documents were found, %d should be there", e.archived, want)
	}
	for _, document := range e.altered {
		f.add("%s is not what it was", document)
	}
	return f
}

// expected are the orders that a consumer should have a record of.
func (e Evidence) expected(c Consumer) (ids []int64) {
	ids = sorted(e.orders)
	for subject, p := range e.poisoned {
		if !p.parks(c) {
			ids = append(ids, subject)
		}
	}
	slices.Sort(ids)
	return ids
}

func exactlyOnce(e Evidence) (f finding) {
	var looked []string
	for _, c := range e.subject.Consumers {
		records := e.found[c.Name].records
		expected := e.expected(c)
		for _, id := range expected {
			switch n := len(records[id]); {
			case n == 0:
				f.add("order %d has no %s", id, c.Record)
			case n > 1:
				f.add("order %d has %d %ss", id, n, c.Record)
			}
		}
		for _, id := range sorted(records) {
			if _, is := slices.BinarySearch(expected, id); !is {
				f.add("there is a %s %d, but no such order", c.Record, id)
			}
		}
		looked = append(looked, fmt.Sprintf("%d %ss", len(records), c.Record))
	}
	f.looked = strings.Join(looked, ", ")
	return f
}

// each calls look for every record of an order.
func (e Evidence) each(look func(c Consumer, id int64, o order, k kept)) {
	for _, c := range e.subject.Consumers {
		records := e.found[c.Name].records
		for _, id := range sorted(records) {
			if _, isPoison := e.poisoned[id]; isPoison {
				continue
			}
			for _, k := range records[id] {
				look(c, id, e.latest[id].order, k)
			}
		}
	}
}

func content(e Evidence) (f finding) {
	var sum cents
	e.each(func(c Consumer, id int64, o order, k kept) {
		if is, should := text(k.record), text(o.record(c)); is != should {
			f.add("%s %d says %s, the order %s", c.Record, id, is, should)
		}
		for _, l := range k.record.Lines {
			sum += cents(l.Count) * l.Item.Price
		}
	})
	f.looked = fmt.Sprintf("%d.%02d in all", sum/100, sum%100)
	return f
}

func cancelled(e Evidence) (f finding) {
	n := 0
	e.each(func(c Consumer, id int64, o order, k kept) {
		if k.void {
			n++
		}
		if void := o.Status == "cancelled"; void != k.void {
			f.add("%s %d is void: %v, its order is %s", c.Record, id, k.void, o.Status)
		}
	})
	f.looked = fmt.Sprintf("%d void", n)
	return f
}

func parked(e Evidence) (f finding) {
	var looked []string
	for _, c := range e.subject.Consumers {
		var should []int64
		for _, entry := range e.log {
			if p, ok := e.poisoned[entry.subject]; ok && p.parks(c) {
				should = append(should, entry.position)
			}
		}
		is := e.found[c.Name].parked
		for _, position := range should {
			if !slices.Contains(is, position) {
				f.add("poison entry %d is not parked by %s", position, c.Name)
			}
		}
		for i, position := range is {
			if !slices.Contains(should, position) || slices.Contains(is[:i], position) {
				f.add("entry %d is parked by %s without need", position, c.Name)
			}
		}
		looked = append(looked, fmt.Sprintf("%d by %s", len(is), c.Name))
	}
	f.looked = strings.Join(looked, ", ")
	return f
}

func acknowledged(e Evidence) (f finding) {
	var looked []string
	for _, c := range e.subject.Consumers {
		if c.Acks == "" {
			continue
		}
		acked := maps.Clone(e.found[c.Name].acked)
		looked = append(looked, fmt.Sprintf("%d by %s", len(acked), c.Name))
		for _, entry := range e.log {
			_, is := acked[entry.id]
			delete(acked, entry.id)
			p, isPoison := e.poisoned[entry.subject]
			switch {
			case isPoison && p.parks(c) && is:
				f.add("%s acknowledged the poison entry %d", c.Name, entry.position)
			case !(isPoison && p.parks(c)) && !is && entry.position == e.latest[entry.subject].position:
				f.add("%s did not acknowledge entry %d", c.Name, entry.position)
			}
		}
		for id := range acked {
			f.add("%s acknowledged %q, which is no entry", c.Name, id)
		}
		if is, should := e.open[c.Name], parkedBy(c, e.poisoned); is != int64(should) {
			f.add("order says that %d entries are not acknowledged by %s, it should be the %d that are poison", is, c.Name, should)
		}
	}
	f.looked = cmp.Or(strings.Join(looked, ", "), "0, by nobody")
	return f
}

func caughtUp(e Evidence) (f finding) {
	f.looked = fmt.Sprintf("%d entries", len(e.log))
	for _, c := range e.subject.Consumers {
		if at := e.found[c.Name].cursor; len(e.log) > 0 && at < e.log[len(e.log)-1].position {
			f.add("%s is at %d", c.Name, at)
		}
	}
	return f
}

func sorted[T any](m map[int64]T) []int64 { return slices.Sorted(maps.Keys(m)) }

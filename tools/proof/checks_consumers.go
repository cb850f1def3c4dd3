package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The checks of what consumers promise: their records, dead letters, acknowledgements and cursors.

// expected returns the subjects of which c should have a record, in ascending order.
func (e Evidence) expected(c Consumer) []int64 {
	ids := sorted(e.orders)
	for subject, p := range e.poison {
		if !p.failsFor(c) {
			ids = append(ids, subject)
		}
	}
	slices.Sort(ids)
	return ids
}

func exactlyOnce(e Evidence) (f finding) {
	var examined []string
	for _, c := range e.subject.Consumers {
		records := e.kept[c.Name].records
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
			if _, ok := slices.BinarySearch(expected, id); !ok {
				f.add("%s %d has no order", c.Record, id)
			}
		}
		examined = append(examined, fmt.Sprintf("%d %ss", len(records), c.Record))
	}
	f.examined = strings.Join(examined, ", ")
	return f
}

// forEachRecord calls do for every record of an order, with the order as the log has it.
func (e Evidence) forEachRecord(do func(c Consumer, id int64, o order, r record)) {
	for _, c := range e.subject.Consumers {
		records := e.kept[c.Name].records
		for _, id := range sorted(records) {
			if _, isPoison := e.poison[id]; isPoison {
				continue
			}
			for _, r := range records[id] {
				do(c, id, e.latest[id].order, r)
			}
		}
	}
}

func content(e Evidence) (f finding) {
	var sum cents
	e.forEachRecord(func(c Consumer, id int64, o order, r record) {
		want := o.record(c)
		for _, part := range []struct {
			name     string
			is, want any
		}{{"customer", r.Customer, want.Customer}, {"address", r.Address, want.Address}, {"lines", r.Lines, want.Lines}} {
			if is, want := text(part.is), text(part.want); is != want {
				f.add("%s %d: %s %s, in its order %s", c.Record, id, part.name, is, want)
			}
		}
		for _, l := range r.Lines {
			sum += cents(l.Count) * l.Item.Price
		}
	})
	f.examined = fmt.Sprintf("%d.%02d in total", sum/100, sum%100)
	return f
}

func cancelled(e Evidence) (f finding) {
	void := 0
	e.forEachRecord(func(c Consumer, id int64, o order, r record) {
		if r.Void {
			void++
		}
		if want := o.record(c).Void; r.Void != want {
			f.add("%s %d: void is %v, but its order is %s", c.Record, id, r.Void, o.Status)
		}
	})
	f.examined = fmt.Sprintf("%d void", void)
	return f
}

func onlyPoison(e Evidence) (f finding) {
	var examined []string
	for _, c := range e.subject.Consumers {
		letters := e.kept[c.Name].deadLetters
		wrong := map[int64]int{}
		for _, position := range letters {
			wrong[position]++
		}
		for _, entry := range e.log {
			if p, isPoison := e.poison[entry.subject]; isPoison && p.failsFor(c) {
				wrong[entry.position]--
			}
		}
		for _, position := range sorted(wrong) {
			switch n := wrong[position]; {
			case n < 0:
				f.add("poison message %d is not among the dead letters of %s", position, c.Name)
			case n > 0:
				f.add("entry %d is among the dead letters of %s without need", position, c.Name)
			}
		}
		examined = append(examined, fmt.Sprintf("%d of %s", len(letters), c.Name))
	}
	f.examined = strings.Join(examined, ", ")
	return f
}

func acknowledged(e Evidence) (f finding) {
	var examined []string
	for _, c := range e.subject.Consumers {
		if c.Acks == "" {
			continue
		}
		acks := maps.Clone(e.kept[c.Name].acks)
		examined = append(examined, fmt.Sprintf("%d by %s", len(acks), c.Name))
		for _, entry := range e.log {
			_, acked := acks[entry.id]
			delete(acks, entry.id)
			p, isPoison := e.poison[entry.subject]
			isDead := isPoison && p.failsFor(c)
			switch {
			case isDead && acked:
				f.add("%s acknowledged the poison message %d", c.Name, entry.position)
			case !isDead && !acked && entry.position == e.latest[entry.subject].position:
				f.add("%s did not acknowledge entry %d", c.Name, entry.position)
			}
		}
		for id := range acks {
			f.add("%s acknowledged %q, which is not in the log", c.Name, id)
		}
		if is, want := e.open[c.Name], deadLetters(c, e.poison); is != want {
			f.add("order reports %d entries as not acknowledged by %s; it should be the %d dead letters", is, c.Name, want)
		}
	}
	f.examined = cmp.Or(strings.Join(examined, ", "), "no acknowledgements in this design")
	return f
}

func caughtUp(e Evidence) (f finding) {
	f.examined = fmt.Sprintf("%d entries", len(e.log))
	for _, c := range e.subject.Consumers {
		if at := e.kept[c.Name].cursor; len(e.log) > 0 && at < e.log[len(e.log)-1].position {
			f.add("%s is at %d", c.Name, at)
		}
	}
	return f
}

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// flawless returns the evidence of a trial without violations: 250 orders, every tenth of them cancelled, and two poison messages.
func flawless() Evidence {
	e := Evidence{subject: msatom(), told: map[int64]told{}, orders: map[int64]order{}, latest: map[int64]event{}, kept: map[string]kept{},
		poison: map[int64]poison{firstPoison: poisons[0], firstPoison + 1: poisons[len(poisons)-1]}, open: map[string]int64{"invoicing": 2, "shipping": 1}, archived: 2 * 4}
	for _, c := range e.subject.Consumers {
		e.kept[c.Name] = kept{cursor: 277, records: map[int64][]record{}, acks: map[string]time.Time{}}
	}
	enter := func(o order) {
		position := int64(len(e.log) + 1)
		entry := event{position: position, subject: o.ID, order: o, id: fmt.Sprintf("tag:%d", position)}
		e.log, e.latest[o.ID] = append(e.log, entry), entry
		e.links, e.events = append(e.links, entry.id), append(e.events, entry.id)
		for _, c := range e.subject.Consumers {
			k := e.kept[c.Name]
			if p, isPoison := e.poison[o.ID]; isPoison && p.failsFor(c) {
				k.deadLetters = append(k.deadLetters, position)
			} else {
				k.records[o.ID] = []record{o.record(c)}
				k.acks[entry.id] = time.Now()
			}
			e.kept[c.Name] = k
		}
	}
	for id := int64(1); id <= 250; id++ {
		o := order{ID: id, Status: "placed", Lines: []line{{2, item{1, "iPod", 4200}}}}
		enter(o)
		if id%10 == 0 {
			o.Status = "cancelled"
			enter(o)
		}
		e.told[id], e.orders[id] = told{order: o}, o
	}
	enter(order{ID: firstPoison})
	enter(order{ID: firstPoison + 1})
	return e
}

func TestFlawlessEvidenceBreaksNoPromise(t *testing.T) {
	t.Parallel()
	for _, p := range promises {
		if f := p.check(flawless()); len(f.violations) > 0 {
			t.Errorf("%s: %q", p.name, f.violations)
		}
	}
}

// Each violation breaks the promises it should and no others.
func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	change := func(e *Evidence, consumer string, do func(*kept)) {
		k := e.kept[consumer]
		do(&k)
		e.kept[consumer] = k
	}
	for _, c := range []struct {
		violation string
		do        func(*Evidence)
		broken    []string
	}{
		{"an unexpected answer", func(e *Evidence) { e.refused = []string{"404"} }, []string{"answers"}},
		{"an order lost", func(e *Evidence) { delete(e.orders, 7) }, []string{"durable", "exactly once"}},
		{"an order placed twice", func(e *Evidence) { delete(e.told, 7) }, []string{"durable", "logged"}},
		{"an order that differs from the answer", func(e *Evidence) { o := e.orders[7]; o.Billing.City = "Ulm"; e.orders[7] = o }, []string{"durable"}},
		{"an entry that differs from the answer", func(e *Evidence) { l := e.latest[7]; l.order.Billing.City = "Ulm"; e.latest[7] = l }, []string{"logged", "content"}},
		{"an event without a position", func(e *Evidence) { e.log[0].position = 0; l := e.latest[1]; l.position = 0; e.latest[1] = l }, []string{"logged", "gapless"}},
		{"an entry never seen", func(e *Evidence) { e.links = slices.Delete(slices.Clone(e.links), 5, 6) }, []string{"readers"}},
		{"an entry seen twice", func(e *Evidence) { e.events = append(slices.Clone(e.events), e.events[3]) }, []string{"readers"}},
		{"entries seen out of order", func(e *Evidence) { e.links[4], e.links[5] = e.links[5], e.links[4] }, []string{"readers"}},
		{"an archived document changed", func(e *Evidence) { e.altered = []string{"1"} }, []string{"archive"}},
		{"an archived document gone", func(e *Evidence) { e.archived-- }, []string{"archive"}},
		{"no invoice", func(e *Evidence) { delete(e.kept["invoicing"].records, 7) }, []string{"exactly once"}},
		{"two shipments", func(e *Evidence) { r := e.kept["shipping"].records; r[7] = append(r[7], r[7]...) }, []string{"exactly once"}},
		{"an invoice without an order", func(e *Evidence) { r := e.kept["invoicing"].records; r[999] = r[7] }, []string{"exactly once", "content"}},
		{"an invoice wrong by a cent", func(e *Evidence) {
			k := &e.kept["invoicing"].records[7][0]
			k.Lines = []line{{2, item{1, "iPod", 4201}}}
		}, []string{"content"}},
		{"a shipment to the wrong address", func(e *Evidence) { e.kept["shipping"].records[7][0].Address.Street = "elsewhere" }, []string{"content"}},
		{"a cancelled order still invoiced", func(e *Evidence) { e.kept["invoicing"].records[10][0].Void = false }, []string{"cancelled"}},
		{"a poison message that is not a dead letter", func(e *Evidence) { change(e, "invoicing", func(k *kept) { k.deadLetters = k.deadLetters[1:] }) }, []string{"dead letters"}},
		{"a dead letter without need", func(e *Evidence) { change(e, "shipping", func(k *kept) { k.deadLetters = append(k.deadLetters, 8) }) }, []string{"dead letters"}},
		{"an acknowledgement missing", func(e *Evidence) { delete(e.kept["invoicing"].acks, "tag:7") }, []string{"acknowledged"}},
		{"a poison message acknowledged", func(e *Evidence) { e.kept["invoicing"].acks["tag:276"] = time.Now() }, []string{"acknowledged"}},
		{"order does not know of an acknowledgement", func(e *Evidence) { e.open["shipping"] = 4 }, []string{"acknowledged"}},
		{"a consumer behind", func(e *Evidence) { change(e, "shipping", func(k *kept) { k.cursor-- }) }, []string{"caught up"}},
	} {
		e := flawless()
		c.do(&e)
		var broken []string
		for _, p := range promises {
			if len(p.check(e).violations) > 0 {
				broken = append(broken, p.name)
			}
		}
		if !slices.Equal(broken, c.broken) {
			t.Errorf("%s: broken %q, want %q", c.violation, broken, c.broken)
		}
	}
}

package proof

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// wellDone is what a trial finds where all is well: 250 orders, of which every tenth is cancelled, and two poison entries.
func wellDone() Evidence {
	e := Evidence{subject: Msatom(), told: map[int64]told{}, orders: map[int64]order{}, latest: map[int64]event{}, found: map[string]found{},
		poisoned: map[int64]poison{firstPoison: poisons[0], firstPoison + 1: poisons[len(poisons)-1]}, open: map[string]int64{"invoicing": 2, "shipping": 1}, archived: 2 * 4}
	for _, c := range e.subject.Consumers {
		e.found[c.Name] = found{cursor: 277, records: map[int64][]kept{}, acked: map[string]time.Time{}}
	}
	enter := func(o order, kind string) {
		position := int64(len(e.log) + 1)
		entry := event{position: position, subject: o.ID, kind: kind, order: o, id: fmt.Sprintf("tag:%d", position)}
		e.log, e.latest[o.ID] = append(e.log, entry), entry
		e.links, e.events = append(e.links, entry.id), append(e.events, entry.id)
		for _, c := range e.subject.Consumers {
			f := e.found[c.Name]
			if p, poisoned := e.poisoned[o.ID]; poisoned && p.parks(c) {
				f.parked = append(f.parked, position)
			} else {
				f.records[o.ID] = []kept{{o.Status == "cancelled", o.record(c)}}
				f.acked[entry.id] = time.Now()
			}
			e.found[c.Name] = f
		}
	}
	for id := int64(1); id <= 250; id++ {
		o := order{ID: id, Status: "placed", Lines: []line{{2, item{1, "iPod", 4200}}}}
		enter(o, "placed")
		if id%10 == 0 {
			o.Status = "cancelled"
			enter(o, "cancelled")
		}
		e.told[id], e.orders[id] = told{order: o}, o
	}
	enter(order{ID: firstPoison}, "placed")
	enter(order{ID: firstPoison + 1}, "placed")
	return e
}

func broken(e Evidence) (names []string) {
	for _, p := range promises {
		if len(p.broken(e).wrong) > 0 {
			names = append(names, p.name)
		}
	}
	return names
}

func TestWhereAllIsWellNoPromiseIsBroken(t *testing.T) {
	for _, p := range promises {
		if f := p.broken(wellDone()); len(f.wrong) > 0 {
			t.Errorf("%s: %q", p.name, f.wrong)
		}
	}
}

// Each thing that can go wrong is seen, by the promises that it breaks and by no others.
func TestEachFaultIsSeen(t *testing.T) {
	change := func(e *Evidence, consumer string, do func(*found)) {
		f := e.found[consumer]
		do(&f)
		e.found[consumer] = f
	}
	for _, c := range []struct {
		what   string
		do     func(*Evidence)
		broken []string
	}{
		{"an answer that does not fit", func(e *Evidence) { e.refused = []string{"404"} }, []string{"answers"}},
		{"an order lost at once", func(e *Evidence) { delete(e.orders, 7) }, []string{"told", "exactly once"}},
		{"an order placed twice", func(e *Evidence) { delete(e.told, 7) }, []string{"told", "logged"}},
		{"an order that is not as it was said", func(e *Evidence) { o := e.orders[7]; o.Billing.City = "Ulm"; e.orders[7] = o }, []string{"told"}},
		{"an entry that is not as it was said", func(e *Evidence) { l := e.latest[7]; l.order.Billing.City = "Ulm"; e.latest[7] = l }, []string{"logged", "content"}},
		{"an event without a position", func(e *Evidence) { e.log[0].position = 0; l := e.latest[1]; l.position = 0; e.latest[1] = l }, []string{"logged", "gapless"}},
		{"an entry unseen", func(e *Evidence) { e.links = slices.Delete(slices.Clone(e.links), 5, 6) }, []string{"readers"}},
		{"an entry seen twice", func(e *Evidence) { e.events = append(slices.Clone(e.events), e.events[3]) }, []string{"readers"}},
		{"entries seen in another order", func(e *Evidence) { e.links[4], e.links[5] = e.links[5], e.links[4] }, []string{"readers"}},
		{"an archived document changed", func(e *Evidence) { e.altered = []string{"1"} }, []string{"archive"}},
		{"an archived document gone", func(e *Evidence) { e.archived-- }, []string{"archive"}},
		{"no invoice", func(e *Evidence) { delete(e.found["invoicing"].records, 7) }, []string{"exactly once"}},
		{"two shipments", func(e *Evidence) { r := e.found["shipping"].records; r[7] = append(r[7], r[7]...) }, []string{"exactly once"}},
		{"an invoice for nothing", func(e *Evidence) { r := e.found["invoicing"].records; r[999] = r[7] }, []string{"exactly once", "content"}},
		{"a cent too much", func(e *Evidence) {
			k := &e.found["invoicing"].records[7][0]
			k.record.Lines = []line{{2, item{1, "iPod", 4201}}}
		}, []string{"content"}},
		{"a shipment to the wrong door", func(e *Evidence) { e.found["shipping"].records[7][0].record.Address.Street = "elsewhere" }, []string{"content"}},
		{"a cancelled order billed", func(e *Evidence) { e.found["invoicing"].records[10][0].void = false }, []string{"cancelled"}},
		{"a poison entry not parked", func(e *Evidence) { change(e, "invoicing", func(f *found) { f.parked = f.parked[1:] }) }, []string{"parked"}},
		{"a good entry parked", func(e *Evidence) { change(e, "shipping", func(f *found) { f.parked = append(f.parked, 8) }) }, []string{"parked"}},
		{"an acknowledgement missing", func(e *Evidence) { delete(e.found["invoicing"].acked, "tag:7") }, []string{"acknowledged"}},
		{"poison acknowledged", func(e *Evidence) { e.found["invoicing"].acked["tag:276"] = time.Now() }, []string{"acknowledged"}},
		{"order does not know", func(e *Evidence) { e.open["shipping"] = 4 }, []string{"acknowledged"}},
		{"a consumer behind", func(e *Evidence) { change(e, "shipping", func(f *found) { f.cursor-- }) }, []string{"caught up"}},
	} {
		e := wellDone()
		c.do(&e)
		if got := broken(e); !reflect.DeepEqual(got, c.broken) {
			t.Errorf("%s: broken %q, want %q", c.what, got, c.broken)
		}
	}
}

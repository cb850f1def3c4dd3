package proof

import (
	"slices"
	"time"
)

// Naive designs, each a program in the folder naive that takes the place of order or of invoicing. Each must break promises;
// the two that are sound, of the same parts, must not.

// Naive returns the subject with that name, one of Designs.
func Naive(name string) (Subject, bool) {
	i := slices.IndexFunc(Designs, func(s Subject) bool { return s.Name == name })
	if i < 0 {
		return Subject{}, false
	}
	return Designs[i], true
}

// Designs are msatom with one naive program in it.
var Designs = []Subject{
	invoicingBy("sound", ofAll),
	invoicingBy("timecursor", nil),
	invoicingBy("checktheninsert", []Kind{Jam}),
	invoicingBy("cursoroutside", []Kind{JamKill}),
	orderBy("soundorder", ofAll),
	orderBy("bigserial", []Kind{JamStop}),
	orderBy("onesecond", nil),
}

// ofAll is what every design without a mistake must stand.
var ofAll = []Kind{JamStop, Kill, Freeze, Restart, Cut, Slow, Jam, JamKill, Crash}

// invoicingBy is msatom with its invoicing exchanged.
func invoicingBy(name string, faults []Kind) Subject {
	s := Msatom()
	s.Name, s.Sources = name, map[string]string{"invoicing": "e2e/proof/naive/" + name}
	s.Faults, s.Disturbed, s.Patience = faults, []string{"invoicing"}, 2*time.Second
	s.Consumers, s.Deliveries = []Consumer{naiveConsumer}, false
	return s
}

// orderBy is a shop of two naive programs: its order has a design, its invoicing is sound.
func orderBy(name string, faults []Kind) Subject {
	s := invoicingBy(name, faults)
	s.Sources = map[string]string{"order": "e2e/proof/naive/" + name, "invoicing": "e2e/proof/naive/sound"}
	s.Disturbed = []string{"order"}
	s.Instances = map[string]int{"order": 2, "invoicing": 1} // with several, one may by chance have seen less than the others
	s.Changes, s.Archive = false, nil
	s.Head = `SELECT coalesce(max(id), 0), 0 FROM "order".orders`
	s.Orders = `SELECT id, snapshot FROM "order".orders`
	s.Events = `SELECT id, id, 'placed', snapshot, pg_xact_commit_timestamp(xmin), id::text FROM "order".orders ORDER BY orders.id`
	return s
}

// naiveConsumer has the tables of package naive.
var naiveConsumer = Consumer{
	Name: "invoicing", Record: "invoice", Billing: true, Table: "invoicing.invoice",
	Records: `SELECT id, coalesce(snapshot->>'status' = 'cancelled', false),
		json_build_object('customer', snapshot->'customer', 'address', snapshot->'billingAddress', 'lines', snapshot->'orderLine') FROM invoicing.invoice`,
	Cursor: `SELECT max(position) FROM invoicing.invoice`,
}

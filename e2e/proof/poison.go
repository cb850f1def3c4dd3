package proof

import "slices"

// Poison entries are committed into order's outbox by SQL, beside its programs: events that no consumer of it could ever have
// been sent by a program that works. Each is about an order of its own, which does not exist.

// poison is an entry that consumers cannot process.
type poison struct {
	what     string
	snapshot string   // ID stands for the subject
	parkedBy []string // consumers; the others can make something of it
}

// firstPoison is the subject of the first poison entry, far from the ids of orders.
const firstPoison = 2_000_000_001

var poisons = []poison{
	{"no order", `{"poison": "this is no order"}`, all},
	{"count no number", poisoned(`"many"`, `"iPod"`, `1.00`), all},
	{"count zero", poisoned(`0`, `"iPod"`, `1.00`), all},
	{"count too large", poisoned(`3000000000`, `"iPod"`, `1.00`), all},
	{"character zero", poisoned(`1`, `"i\u0000Pod"`, `1.00`), all},
	{"price too large", poisoned(`1`, `"iPod"`, `12345678901.00`), []string{"invoicing"}},
}

var all = []string{"invoicing", "shipping"}

// poisoned is an order whose only line has these values.
func poisoned(count, name, price string) string {
	return `{"id": ID, "status": "placed", "customer": {"customerId": 1, "name": "Poison", "firstname": "P.", "email": "p@example.com"},
		"shippingAddress": {"street": "s", "zip": "z", "city": "c"}, "billingAddress": {"street": "s", "zip": "z", "city": "c"},
		"orderLine": [{"count": ` + count + `, "item": {"itemId": 1, "name": ` + name + `, "price": ` + price + `}}], "numberOfLines": 1}`
}

// feedPoison commits an entry about subject $1, once, however often it is sent.
const feedPoison = `WITH event AS (
		INSERT INTO "order".feed_event (subject, kind, withdraws, snapshot)
		SELECT $1, 'placed', false, replace($2, 'ID', $1::bigint::text)::json
		WHERE NOT EXISTS (SELECT FROM "order".feed_event WHERE subject = $1)
		RETURNING id)
	INSERT INTO "order".feed_pending SELECT id FROM event`

// parkedBy is how many of these entries a consumer must set aside.
func parkedBy(c Consumer, poisoned map[int64]poison) (n int) {
	for _, p := range poisoned {
		if p.parks(c) {
			n++
		}
	}
	return n
}

// parks tells whether a consumer must set this entry aside.
func (p poison) parks(c Consumer) bool { return slices.Contains(p.parkedBy, c.Name) }

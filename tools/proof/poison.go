package main

import (
	"context"
	"slices"
)

// Poison messages are events that no working program publishes. They are committed to order's outbox by SQL, each about an order
// of its own that does not exist. Consumers must set them aside as dead letters and go on.

type poison struct {
	flaw     string   // what is wrong with it
	snapshot string   // ID stands for the subject
	failsIn  []string // consumers that cannot process it; the others make a record of it
}

// firstPoison is the subject of the first poison message, far above the ids of orders.
const firstPoison = 2_000_000_001

var poisons = []poison{
	{"not an order", `{"poison": "this is not an order"}`, everywhere},
	{"count is text", poisonedLine(`"many"`, `"iPod"`, `1.00`), everywhere},
	{"count is zero", poisonedLine(`0`, `"iPod"`, `1.00`), everywhere},
	{"count too large", poisonedLine(`3000000000`, `"iPod"`, `1.00`), everywhere},
	{"NUL in a name", poisonedLine(`1`, `"i\u0000Pod"`, `1.00`), everywhere},
	{"price too large", poisonedLine(`1`, `"iPod"`, `12345678901.00`), []string{"invoicing"}},
}

var everywhere = []string{"invoicing", "shipping"}

// poisonedLine returns an order whose only line has these values.
func poisonedLine(count, name, price string) string {
	return `{"id": ID, "status": "placed", "customer": {"customerId": 1, "name": "Poison", "firstname": "P.", "email": "p@example.com"},
		"shippingAddress": {"street": "s", "zip": "z", "city": "c"}, "billingAddress": {"street": "s", "zip": "z", "city": "c"},
		"orderLine": [{"count": ` + count + `, "item": {"itemId": 1, "name": ` + name + `, "price": ` + price + `}}], "numberOfLines": 1}`
}

// insertPoison commits the event with subject $1 once, however often it is executed.
const insertPoison = `WITH event AS (
		INSERT INTO "order".outbox_event (subject, kind, withdraws, snapshot)
		SELECT $1, 'placed', false, replace($2, 'ID', $1::bigint::text)::json
		WHERE NOT EXISTS (SELECT FROM "order".outbox_event WHERE subject = $1)
		RETURNING id)
	INSERT INTO "order".outbox_pending SELECT id FROM event`

// commitPoison commits the poison message with this flaw; while Postgres is down it tries again.
func (t *trial) commitPoison(ctx context.Context, flaw string) error {
	p := poisons[slices.IndexFunc(poisons, func(p poison) bool { return p.flaw == flaw })]
	t.mu.Lock()
	subject := firstPoison + int64(len(t.poison))
	t.poison[subject] = p
	t.mu.Unlock()
	return retry(ctx, func() error {
		_, err := t.db.Exec(ctx, insertPoison, subject, p.snapshot)
		return err
	})
}

// failsFor reports whether c must make a dead letter of the message.
func (p poison) failsFor(c Consumer) bool { return slices.Contains(p.failsIn, c.Name) }

// deadLetters returns how many of the messages c must make dead letters of.
func deadLetters(c Consumer, messages map[int64]poison) (n int64) {
	for _, p := range messages {
		if p.failsFor(c) {
			n++
		}
	}
	return n
}

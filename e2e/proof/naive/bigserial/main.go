// Bigserial takes the order's number for its position in the feed, as a sequence of the database gives it.
//
// Naive: a number is taken at the insert, not at the commit. Who takes 7 and commits after 8 appears behind readers who have
// passed 8; and who takes 9 and rolls back leaves a gap.
package main

import "msatom/e2e/proof/naive"

func main() {
	naive.Publish(naive.Design{
		Position:  "nextval('orders_id_seq')", // the mistake
		Validator: naive.Tag,
	})
}

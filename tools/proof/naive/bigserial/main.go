// Bigserial is a publisher that uses the order's number, from a sequence of the database, as the position in the feed.
//
// The mistake: a sequence gives the number at the insert, not at the commit. An order that gets 7 and commits after 8 appears
// behind the readers that have already passed 8. An order that gets 9 and rolls back leaves a gap.
package main

import "msatom/tools/proof/naive"

func main() {
	naive.Publish(naive.Design{
		Position:  "nextval('orders_id_seq')", // the mistake
		Validator: naive.ETag,
	})
}

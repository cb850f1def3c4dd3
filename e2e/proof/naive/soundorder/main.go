// Soundorder is a publisher without a mistake, as small as the others: one order at a time gets its position and is committed
// before the next, and the feed's entity tag is its last position. It shows that what the others lose is not lost by what they share.
package main

import "msatom/e2e/proof/naive"

func main() { naive.Publish(naive.InTurn) }

// Soundorder is a publisher without a mistake. Each order gets its position and is committed before the next one gets its own,
// and the feed's ETag is the last position.
package main

import "msatom/tools/proof/naive"

func main() { naive.Publish(naive.OneByOne) }

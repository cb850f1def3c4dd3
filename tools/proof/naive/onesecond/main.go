// Onesecond is a publisher whose feed has no validator but Last-Modified, the time of its newest order.
//
// The mistake: times in HTTP have whole seconds. A reader that has seen the first order of a second gets 304 for the second order,
// until another order follows in a later second. The last order before a pause waits for the end of the pause.
package main

import (
	"net/http"
	"time"

	"msatom/tools/proof/naive"
)

func main() {
	design := naive.OneByOne
	design.Validator = func(h http.Header, _ int64, updated time.Time) {
		h.Set("Last-Modified", updated.UTC().Format(http.TimeFormat)) // the mistake
	}
	naive.Publish(design)
}

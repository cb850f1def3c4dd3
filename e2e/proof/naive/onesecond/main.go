// Onesecond tells readers when its newest order was placed, and answers 304 to who has seen that time.
//
// Naive: HTTP's dates have whole seconds. Who has read the first order of a second is told that the second is not there, until a
// third comes in another second; the last orders before a silence wait for its end.
package main

import (
	"net/http"
	"time"

	"msatom/e2e/proof/naive"
)

func main() {
	design := naive.InTurn
	design.Validator = func(h http.Header, _ int64, updated time.Time) {
		h.Set("Last-Modified", updated.UTC().Format(http.TimeFormat)) // the mistake
	}
	naive.Publish(design)
}

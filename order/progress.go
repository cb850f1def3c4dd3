// The progress of an order, as its page shows it: placed, published, acknowledged by each consumer,
// and how long each step took.
package main

import (
	"fmt"
	"time"

	"msatom/shared/page"
)

// Step is a step of an order's progress.
type Step struct {
	Name  string
	Done  *time.Time     // nil while it is pending
	Took  *time.Duration // since the step before; of an acknowledgement, since the publication
	Since string         // the step that Took begins with: "the order was placed", "publication"
	By    string         // instance of the consumer
	Link  string         // the consumer's record, or its state while the step is pending
}

// Progress returns the steps of the order's latest event.
func (d Delivered) Progress() []Step {
	first, since := "Placed", "the order was placed"
	if d.Status == cancelled {
		first, since = "Cancelled", "the cancellation"
	} else if d.Version > 1 {
		first, since = "Changed", "the change"
	}
	begun, published := d.Changed, d.Updated
	if len(d.Deliveries) > 0 {
		published = d.Deliveries[0].Published
	}
	steps := []Step{{Name: first, Done: &begun}, {Name: "Published", Done: &published, Since: since, Link: "/order/feed"}}
	// begun comes from the service's clock and published from the database's, so the difference can
	// be negative.
	if took := published.Sub(begun); len(d.Deliveries) > 0 && took > 0 {
		steps[1].Took = &took
	}
	for _, one := range d.Deliveries {
		s := Step{Name: page.Title(one.Consumer), Done: one.Acknowledged, Since: "publication", By: one.Instance, Link: one.Record}
		if one.Acknowledged != nil {
			took := one.Took()
			s.Took = &took
		} else {
			s.Link = "/" + one.Consumer + "/state"
		}
		steps = append(steps, s)
	}
	return steps
}

// Summary sums the progress up in a sentence.
func (d Delivered) Summary() string {
	switch done, n := d.acknowledged(), len(d.Deliveries); {
	case n == 0:
		return fmt.Sprintf("Order %d is in the feed.", d.ID)
	case done == n:
		return fmt.Sprintf("All consumers have processed order %d.", d.ID)
	default:
		return fmt.Sprintf("Order %d is published. %d of %d consumers have processed it.", d.ID, done, n)
	}
}

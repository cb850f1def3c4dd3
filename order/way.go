// The way of an order as its page shows it: placed, published, and acknowledged by each consumer, with the time that each step took.
package main

import (
	"fmt"
	"time"

	"msatom/shared/page"
)

// Step is one of them. It is open as long as it has no time.
type Step struct {
	Name string
	Done *time.Time
	Took *time.Duration // since the step before; of an acknowledgement, since the publication
	By   string         // instance of the consumer
	Link string         // what the consumer has made of it, or where it says how it is
}

// Way lists the steps of the order's latest event.
func (d Delivered) Way() []Step {
	first := "Placed"
	if d.Status == cancelled {
		first = "Cancelled"
	} else if d.Version > 1 {
		first = "Changed"
	}
	begun, published := d.Changed.UTC(), d.Updated.Time()
	if len(d.Deliveries) > 0 {
		published = d.Deliveries[0].Published
	}
	steps := []Step{{Name: first, Done: &begun}, {Name: "Published", Done: &published, Link: "/order/feed"}}
	if took := published.Sub(begun); len(d.Deliveries) > 0 && took > 0 { // else by clocks that cannot be compared
		steps[1].Took = &took
	}
	for _, one := range d.Deliveries {
		s := Step{Name: page.Title(one.Consumer), Done: one.Acknowledged, By: one.Instance, Link: one.Record}
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

// Told says how far the order is.
func (d Delivered) Told() string {
	done := 0
	for _, one := range d.Deliveries {
		if one.Acknowledged != nil {
			done++
		}
	}
	switch n := len(d.Deliveries); {
	case n == 0:
		return fmt.Sprintf("Order %d is in the feed.", d.ID)
	case done == n:
		return fmt.Sprintf("Order %d has arrived everywhere.", d.ID)
	default:
		return fmt.Sprintf("Order %d is published; %d of %d consumers have it.", d.ID, done, n)
	}
}

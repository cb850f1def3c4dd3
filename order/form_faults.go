// The faults of the order form: at their fields, and in a summary above the form.
package main

import (
	"fmt"
	"strings"

	"msatom/shared/page"
	"msatom/shared/problem"
)

// Fault is what is wrong with a field.
type Fault struct{ Field, Text string }

// setFaults takes over the faults of a problem. Where a field offers a list, they say how to use
// it.
func (f *orderForm) setFaults(p *problem.Error) {
	typed := map[string]string{"customer": f.Customer} // into such fields
	for i, l := range f.Lines {
		typed[fieldOfLine(i, "item")] = l.Item
	}
	f.Faults = map[string]string{}
	for _, fault := range p.Fields {
		if f.Billing == (Address{}) && strings.HasPrefix(fault.Name, "billingAddress.") {
			continue // the shipping address is used, whose fields show the faults
		}
		switch text, offersList := typed[fault.Name]; {
		case offersList && strings.TrimSpace(text) == "":
			fault.Detail = "is missing"
		case offersList:
			fault.Detail = "is unknown: choose a suggestion, or type the id or the full name"
		}
		f.Faults[fault.Name] = fault.Detail
		f.Summary = append(f.Summary, Fault{fault.Name, label(fault.Name) + " " + fault.Detail})
	}
}

var labels = strings.NewReplacer("customer", "Customer", "shippingAddress.", "Shipping address: ", "billingAddress.", "Billing address: ",
	"street", "Street", "zip", "ZIP code", "city", "City", "orderLine", "The order")

// label returns what the form calls a field.
func label(field string) string {
	var line int
	var name string
	if _, err := fmt.Sscanf(field, "orderLine[%d].%s", &line, &name); err == nil {
		return fmt.Sprintf("Line %d: %s", line+1, page.Title(name))
	}
	return labels.Replace(field)
}

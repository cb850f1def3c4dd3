package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"msatom/tools/system"
)

// TestBrowser uses the shop in a real browser, from the empty shop to one in which a service is down. Each part builds on those before.
func TestBrowser(t *testing.T) {
	t.Parallel()
	s := run(t, system.Config{Env: []string{"POLL_SCHEDULE=@every 1h"}}) // polls happen only by the button
	t.Run("empty", func(t *testing.T) { lookAtEmpty(browse(t, s.URL())) })
	t.Run("the way of an order", func(t *testing.T) { click(t, s.URL()) })
	t.Run("with script", func(t *testing.T) { withScript(t, s) })
	t.Run("the checker checks", func(t *testing.T) { lookForFaults(t, s.URL()) })
	t.Run("text stays text", func(t *testing.T) { typeMarkup(browse(t, s.URL())) })
	t.Run("links", func(t *testing.T) { followLinks(browse(t, s.URL())) })
	t.Run("pages", func(t *testing.T) { lookAtPages(browse(t, s.URL())) })
	t.Run("faults", func(t *testing.T) { lookAtFaults(browse(t, s.URL())) })
	t.Run("down", func(t *testing.T) { lookAtDown(t, s) })
}

// click takes an order through its life without script: placed in the form, polled by hand, changed, cancelled.
func click(t *testing.T, base string) {
	w := browse(t, base)
	w.script(false)
	w.open("/")
	w.press("Place an order")
	w.see("New order")

	kept := map[string]string{"customer": w.entry("customer", "Rod Johnson"),
		"shippingAddress.street": "Market Street 1", "shippingAddress.zip": "94103", "shippingAddress.city": "San Francisco",
		"billingAddress.street": "Hauptstraße 2", "billingAddress.zip": "40789", "billingAddress.city": "Monheim am Rhein"}
	for field, value := range kept {
		w.fill(field, value)
	}
	line := func(i int, count, item string) {
		w.fill(fmt.Sprintf("orderLine[%d].count", i), count)
		w.fill(fmt.Sprintf("orderLine[%d].item", i), item) // the number alone
	}
	keeps := func(counts, items string) {
		t.Helper()
		for field, value := range kept {
			w.has(field, value)
		}
		for i, count := range strings.Fields(counts) {
			w.has(fmt.Sprintf("orderLine[%d].count", i), count)
			field := fmt.Sprintf("orderLine[%d].item", i)
			w.has(field, w.entry(field, strings.Fields(items)[i]+" · "))
		}
	}
	line(0, "3", "2")
	w.press("Add a line")
	line(1, "7", "3")
	w.press("Add a line")
	line(2, "2", "4")
	w.press("Calculate")
	keeps("3 7 2", "2 3 4")
	w.see("Total 270.00")
	w.press("Duplicate line 2")
	keeps("3 7 7 2", "2 3 3 4")
	w.press("Remove line 2")
	w.press("Remove line 2")
	keeps("3 2", "2 4")

	w.fill("orderLine[1].count", "0")
	w.press("Place the order")
	w.seeWith(422, "The order has not been placed")
	if got := w.described("orderLine[1].count"); !strings.HasPrefix(got, "Count must be") {
		w.fail("at the count stands %q", got)
	}
	keeps("3 0", "2 4")
	w.fill("orderLine[1].count", "2")
	w.press("Place the order")
	id := strings.TrimPrefix(w.path(), "/order/")
	order, invoice, shipment := "Order "+id, "Invoice "+id, "Shipment "+id
	w.see(order+" placed", "Rod Johnson", "3 iPod touch 21.00 63.00", "Total 263.00", "Market Street 1", "Hauptstraße 2")

	poll := func(service string) {
		t.Helper()
		w.press(service)
		w.press("Poll now")
		w.see("Polled: ")
	}
	poll("Invoicing")
	w.press(invoice)
	w.see(invoice+" open", "Rod Johnson", "Hauptstraße 2", "3 iPod touch 21.00 63.00", "Amount due 263.00")
	poll("Shipping")
	w.press(shipment)
	w.see(shipment+" ready", "Rod Johnson", "Market Street 1", "3 iPod touch", "2 Apple TV")

	w.press(order)
	w.press("Change")
	keeps("3 2", "2 4")
	w.fill("orderLine[1].count", "10")
	w.press("Add a line")
	line(2, "1", "1")
	w.enter("orderLine[1].count")
	w.see(order+" placed", "Total 1,105.00")
	poll("Invoicing")
	w.press(invoice)
	w.see(invoice+" open", "Amount due 1,105.00")

	w.press(order)
	w.press("Cancel this order")
	w.see(order + " cancelled")
	poll("Invoicing")
	w.press(invoice)
	w.see(invoice+" void", "There is nothing to pay")
	w.press(shipment)
	poll("Shipping")
	w.press(shipment)
	w.see(shipment+" stopped", "Do not ship anything")
}

// typeMarkup types markup into every field. Every page must show it as text.
func typeMarkup(w *window) {
	const markup = `<script>alert(1)</script> & "quotes" <img src=x onerror=alert(2)>`
	shows := func() {
		w.t.Helper()
		w.see(markup)
		if n := do(w, "count", chromedp.Evaluate[int]("document.querySelectorAll('main script, main img').length")); n != 0 {
			w.fail("what was typed became %d elements", n)
		}
	}
	w.open("/order/customer/")
	for _, field := range []string{"firstname", "name", "email"} {
		w.fill(field, markup)
	}
	w.press("Add the customer")
	w.seeWith(422, "was not added")
	w.has("email", markup)
	w.fill("email", "markup@example.com")
	w.press("Add the customer")
	shows()

	w.open("/order/item/")
	w.fill("name", markup)
	w.fill("price", markup)
	w.press("Add the item")
	w.seeWith(422, "was not added")
	w.has("name", markup)
	w.has("price", markup)
	w.fill("price", "1234.5")
	w.press("Add the item")
	shows()

	w.press("New order")
	for _, kind := range []string{"shippingAddress", "billingAddress"} {
		for _, part := range []string{"street", "zip", "city"} {
			w.fill(kind+"."+part, map[bool]string{true: `<b>1</b> & "2"`, false: markup}[part == "zip"])
		}
	}
	w.choose("customer", markup)
	w.choose("orderLine[0].item", markup)
	w.fill("orderLine[0].count", markup)
	w.press("Place the order")
	w.seeWith(422, "The order has not been placed")
	w.has("orderLine[0].count", markup)
	w.has("billingAddress.city", markup)
	w.fill("orderLine[0].count", "2")
	w.press("Place the order")
	shows()
	id := strings.TrimPrefix(w.path(), "/order/")
	w.press("Order")
	shows()
	w.fill("name", markup)
	w.press("Show")
	w.seeWith(200, "Order")
	w.has("name", markup)
	for service, single := range map[string]string{"Invoicing": "Invoice", "Shipping": "Shipment"} {
		w.press(service)
		w.press("Poll now")
		shows()
		w.press(single + " " + id)
		shows()
	}
}

// What the script adds: a form that does not ask the server for a line more, and pages that stay current; by keyboard alone.
package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"msatom/e2e/system"
)

func withScript(t *testing.T, s *system.System) {
	w, client := browse(t, s.URL()), visit(t, s.URL())
	w.open("/order/form.html")
	w.mark()
	w.tab("customer")
	w.keys("rod johnson")
	for _, typed := range []string{"shippingAddress.street Market Street 1", "shippingAddress.zip 94103", "shippingAddress.city San Francisco"} {
		field, text, _ := strings.Cut(typed, " ")
		w.tab(field)
		w.keys(text)
	}
	w.tab("billingAddress.city")
	w.keys("Monheim am Rhein")
	for field, want := range map[string]string{"billingAddress.street": "Market Street 1", "billingAddress.zip": "94103", "billingAddress.city": "Monheim am Rhein"} {
		w.has(field, want)
	}
	w.tab("orderLine[0].count")
	w.keys("3")
	w.tab("orderLine[0].item")
	w.keys(w.entry("orderLine[0].item", "iPod touch"))
	w.shows("#total", "63.00")
	w.tab("Add a line")
	w.keys(kb.Enter)
	w.shows("#said", "Line 2 added. 2 in all.")
	w.keys(w.entry("orderLine[1].item", "Apple TV")) // the focus is there
	w.tab("Duplicate line 2")
	w.keys(" ")
	w.shows("#said", "Line 2 duplicated. 3 in all.")
	w.keys("10")
	w.has("orderLine[2].item", w.entry("orderLine[1].item", "Apple TV"))
	w.shows("#total", "1,163.00")
	w.tab("Remove line 2")
	w.keys(kb.Enter)
	w.shows("#total", "1,063.00")
	w.has("orderLine[1].count", "10")
	w.marked()
	w.tab("Place the order")
	w.load("press Enter", chromedp.KeyEvent(kb.Enter))
	w.see("Rod Johnson", "3 iPod touch 21.00 63.00", "Total 1,063.00", "Monheim am Rhein")

	// The order's page follows it to where it arrives, and the focus stays where it is.
	id := strings.TrimPrefix(w.path(), "/order/")
	w.shows("#way [role=status]", "Order "+id+" is published; 0 of 3 consumers have it.")
	w.mark()
	w.tab("Invoicing")
	client.must(200, "POST", "/invoicing/poll", "", asJSON...)
	w.shows("#way [role=status]", "Order "+id+" is published; 1 of 3 consumers have it.")
	client.must(200, "POST", "/shipping/poll", "", asJSON...)
	client.must(200, "POST", "/bonus/poll", "", asJSON...)
	w.shows("#way [role=status]", "Order "+id+" has arrived everywhere.")
	w.marked()
	if at := w.focus(); at != "Invoicing" {
		w.fail("the focus has moved to %q", at)
	}
	w.lookAsItIs("order-arrived")

	// So does the front page, until it is stopped.
	w.open("/")
	w.mark()
	w.shows("#overview .figure", id+" orders")
	if _, err := client.placeJSON("with script", 1); err != nil {
		t.Fatal(err)
	}
	w.until("#overview .figure", func(text string) bool { return text != id+" orders" })
	w.marked()
	w.push("Pause updates")
	w.push("Resume updates")
	w.lookAsItIs("front-live")
}

// mark marks the page that is shown; marked fails the test unless it is still the same.
func (w *window) mark() {
	w.t.Helper()
	do(w, "mark", chromedp.Evaluate[any]("window.mark = 'here'"))
}

func (w *window) marked() {
	w.t.Helper()
	if !do(w, "look for the mark", chromedp.Evaluate[bool]("window.mark === 'here'")) {
		w.fail("the page was loaded again")
	}
}

// keys types into what has the focus.
func (w *window) keys(text string) {
	w.t.Helper()
	do(w, "type "+text, chromedp.KeyEvent(text))
}

// focus is the name of what has the focus.
func (w *window) focus() string {
	w.t.Helper()
	return do(w, "look for the focus", chromedp.Evaluate[string](
		"(e => e.name && e.matches('input') ? e.name : e.getAttribute('aria-label') ?? e.textContent.trim())(document.activeElement)"))
}

// tab presses the Tab key until the field or button of that name has the focus, which must then be seen.
func (w *window) tab(name string) {
	w.t.Helper()
	for range 60 {
		w.keys(kb.Tab)
		if w.focus() != name {
			continue
		}
		if do(w, "look at the focus", chromedp.Evaluate[string]("getComputedStyle(document.activeElement).outlineStyle")) == "none" {
			w.fail("the focus at %s cannot be seen", name)
		}
		return
	}
	w.fail("the Tab key does not lead to %s", name)
}

// shows waits until an element's text is what is wanted.
func (w *window) shows(selector, want string) {
	w.t.Helper()
	w.until(selector, func(text string) bool { return text == want })
}

func (w *window) until(selector string, good func(text string) bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		text := w.text(selector)
		if good(text) {
			return
		}
		if time.Now().After(end) {
			w.fail("%s is %q", selector, text)
		}
	}
}

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"msatom/tools/system"
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
	w.shows("#said", "Line 2 added. The order now has 2 lines.")
	w.keys(w.entry("orderLine[1].item", "Apple TV")) // this field has the focus
	w.tab("Duplicate line 2")
	w.keys(" ")
	w.shows("#said", "Line 2 duplicated. The order now has 3 lines.")
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

	// The page of the order updates itself as the order arrives at the consumers, and the focus does not move.
	id := strings.TrimPrefix(w.path(), "/order/")
	w.shows("#progress [role=status]", "Order "+id+" is published. 0 of 3 consumers have processed it.")
	w.mark()
	w.tab("Invoicing")
	client.must(200, "POST", "/invoicing/poll", "", asJSON...)
	w.shows("#progress [role=status]", "Order "+id+" is published. 1 of 3 consumers have processed it.")
	client.must(200, "POST", "/shipping/poll", "", asJSON...)
	client.must(200, "POST", "/bonus/poll", "", asJSON...)
	w.shows("#progress [role=status]", "All consumers have processed order "+id+".")
	w.marked()
	if at := w.focus(); at != "Invoicing" {
		w.fail("the focus has moved to %q", at)
	}
	w.lookAsItIs("order-arrived")

	// So does the front page, until updates are switched off.
	w.open("/")
	w.mark()
	w.shows("#overview .figure", id+" orders")
	client.mustPlace("with script", 1)
	w.until("#overview .figure", func(text string) bool { return text != id+" orders" })
	w.marked()
	w.push("Pause updates")
	w.push("Resume updates")
	w.lookAsItIs("front-live")
}

// mark marks the current page; marked fails the test if it has been reloaded since.
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

// keys types into the element that has the focus.
func (w *window) keys(text string) {
	w.t.Helper()
	do(w, "type "+text, chromedp.KeyEvent(text))
}

// focus returns the name of the element that has the focus.
func (w *window) focus() string {
	w.t.Helper()
	return do(w, "look for the focus", chromedp.Evaluate[string](
		"(e => e.name && e.matches('input') ? e.name : e.getAttribute('aria-label') ?? e.textContent.trim())(document.activeElement)"))
}

// tab presses the Tab key until the field or button of that name has the focus. The focus must be visible.
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

// shows waits until an element has the text.
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

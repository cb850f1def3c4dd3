package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"msatom/tools/system"
)

//go:embed browser/check.js
var check string

// look checks the current page and saves its pictures, with script and without. It reloads the page for that, which submits a form
// again.
func (w *window) look(name string) {
	w.t.Helper()
	w.lookTwice(name)
	w.reload()
}

func (w *window) lookTwice(name string) {
	w.t.Helper()
	w.lookAsItIs(name)
	status := w.status
	w.script(false)
	w.reload()
	if w.status != status {
		w.fail("without script the status is %d, with it %d", w.status, status)
	}
	w.lookAsItIs("plain-" + name)
	w.script(true)
}

// lookAsItIs checks the page and saves its pictures in artifacts/: wide and narrow, light and dark, and without script each of them once.
func (w *window) lookAsItIs(name string) {
	w.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		set(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		for _, width := range []int64{360, 1280} {
			once := (width == 360) == (scheme == "dark")
			if w.plain && !once {
				continue
			}
			do(w, "resize", chromedp.EmulateViewport(width, 800))
			w.check(fmt.Sprintf("%s, %s at %d px", name, scheme, width))
			if !w.plain && once {
				w.accessible(fmt.Sprintf("%s, %s at %d px", name, scheme, width))
			}
			w.keep(fmt.Sprintf("%s-%d-%s", name, width, scheme), do(w, "picture", chromedp.FullScreenshot(100)))
		}
	}
}

func (w *window) check(what string) {
	w.t.Helper()
	for _, fault := range do(w, "check", chromedp.Evaluate[[]string](check)) {
		w.t.Errorf("%s: %s", what, fault)
	}
}

// set sends a command to the browser.
func set[P any](w *window, command cdp.Command[P, cdp.Empty], params P) {
	w.t.Helper()
	do(w, "set", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	}))
}

func (w *window) lookAt(pages ...string) {
	w.t.Helper()
	for i := 0; i < len(pages); i += 2 {
		w.open(pages[i+1])
		w.lookTwice(pages[i])
	}
}

func lookAtEmpty(w *window) {
	w.lookAt("front-empty", "/", "orders-empty", "/order/", "invoices-empty", "/invoicing/", "shipments-empty", "/shipping/", "bonus-empty", "/bonus/",
		"feed-empty", "/order/feed", "deliveries-empty", "/order/deliveries", "state-empty", "/invoicing/state")
	for path, want := range map[string]string{"/order/": "Place the first one", "/invoicing/": "Place an order", "/shipping/": "Place an order", "/bonus/": "Place an order"} {
		w.open(path)
		w.see("There are no", want)
	}
}

func lookAtPages(w *window) {
	s := visit(w.t, w.base)
	for i := range 55 { // more than a page of the list
		s.mustPlace(fmt.Sprint("look ", i), i+1)
	}
	id := s.mustPlace("look last", 20)
	gone := s.mustPlace("look cancelled", 1)
	w.open("/")
	w.see("57 entries were published after the last poll.")
	w.look("front-waiting")
	w.lookAt("order-on-its-way", fmt.Sprint("/order/", id), "deliveries-open", "/order/deliveries")
	before := fmt.Sprint("/invoicing/", id)
	w.open(before)
	w.seeWith(404, fmt.Sprintf("There is no invoice for order %d.", id))
	w.look("invoice-not-yet")
	for _, list := range []string{"invoic", "shipp"} {
		w.open("/" + list + "ing/")
		w.press("Poll now")
		w.see("Polled: 57 entries processed")
		w.look(list + "ing-polled")
		w.press("Poll now")
		w.see("Polled: nothing new (HTTP 304)")
		w.look(list + "ing-polled-again")
	}
	s.must(200, "DELETE", fmt.Sprint("/order/", gone), "", asJSON...)
	for _, list := range []string{"invoicing", "shipping", "bonus"} {
		s.must(200, "POST", "/"+list+"/poll", "", asJSON...)
	}
	w.open("/shipping/state")
	w.press("Compare and repair now")
	eventually(w.t, "all shipments are compared", patience, func() bool {
		return strings.Contains(string(s.must(200, "GET", "/shipping/state", "", asHTML...).body), "all match the feed")
	})
	w.lookAt("front", "/", "orders", "/order/", "orders-filtered", "/order/?name=wolff", "orders-filtered-none", "/order/?name=Nobody%20of%20this%20name",
		"orders-older", fmt.Sprint("/order/?before=", id-40), "orders-none-older", "/order/?before=1", "orders-by-amount", "/order/?sort=highest",
		"order", fmt.Sprint("/order/", id), "order-cancelled", fmt.Sprint("/order/", gone),
		"form", "/order/form.html", "form-change", fmt.Sprint("/order/form.html?order=", id),
		"customers", "/order/customer/", "customers-none", "/order/customer/?find=nobody", "items", "/order/item/", "items-none", "/order/item/?find=nothing",
		"feed", "/order/feed", "feed-document", "/order/feed/1", "feed-invoicing", "/invoicing/feed", "deliveries", "/order/deliveries",
		"state", "/invoicing/state", "state-compared", "/shipping/state",
		"invoices", "/invoicing/", "invoices-by-amount", "/invoicing/?sort=highest&name=wolff", "invoices-filtered-none", "/invoicing/?name=Nobody%20of%20this%20name",
		"invoices-older", fmt.Sprint("/invoicing/?before=", id-40), "invoices-none-older", "/invoicing/?before=1",
		"invoice", fmt.Sprint("/invoicing/", id), "invoice-void", fmt.Sprint("/invoicing/", gone),
		"shipments", "/shipping/", "shipments-oldest", "/shipping/?sort=oldest&name=wolff", "shipments-filtered-none", "/shipping/?name=Nobody%20of%20this%20name",
		"shipment", fmt.Sprint("/shipping/", id), "shipment-stopped", fmt.Sprint("/shipping/", gone),
		"bonus", "/bonus/", "bonus-credit", fmt.Sprint("/bonus/", id), "bonus-withdrawn", fmt.Sprint("/bonus/", gone), "bonus-state", "/bonus/state")

	for name, path := range map[string]string{"invoice": "/invoicing/", "shipment": "/shipping/"} {
		w.open(fmt.Sprint(path, id))
		set(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		w.keep(name+"-printed", do(w, "picture", chromedp.FullScreenshot(100)))
		if shown := w.text("body"); strings.Contains(shown, "Answered by") || strings.Contains(shown, "All ") || !strings.Contains(shown, "Big Money") {
			w.fail("printed is %s", shown)
		}
		set(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	}
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 5)
	s.must(303, "POST", "/order/customer/", url.Values{"firstname": {long}, "name": {long}, "email": {long + "@example.com"}}.Encode(), formIn...)
	s.must(303, "POST", "/order/item/", url.Values{"name": {long}, "price": {"1000000"}}.Encode(), formIn...)
	w.open("/order/form.html")
	w.choose("customer", long)
	for _, kind := range []string{"shippingAddress", "billingAddress"} {
		for _, part := range []string{"street", "zip", "city"} {
			w.fill(kind+"."+part, long)
		}
	}
	w.choose("orderLine[0].item", long)
	w.fill("orderLine[0].count", "100000")
	w.lookAsItIs("long-form")
	w.press("Place the order")
	w.seeWith(422, "ZIP code is longer than")
	w.look("long-form-faults")
	w.fill("shippingAddress.zip", long[:20])
	w.fill("billingAddress.zip", long[:20])
	w.press("Place the order")
	w.see("100,000,000,000.00")
	w.look("long-order")
	path := strings.TrimPrefix(w.path(), "/order")
	s.must(200, "POST", "/invoicing/poll", "", asJSON...)
	s.must(200, "POST", "/shipping/poll", "", asJSON...)
	w.lookAt("long-orders", "/order/", "long-customers", "/order/customer/", "long-items", "/order/item/",
		"long-invoices", "/invoicing/", "long-invoice", "/invoicing"+path, "long-shipments", "/shipping/", "long-shipment", "/shipping"+path)
}

// followLinks opens every page within four links of the front page.
func followLinks(w *window) {
	s := visit(w.t, w.base)
	do(w, "resize", chromedp.EmulateViewport(360, 800))
	seen, next := map[string]bool{"/": true}, []string{"/"}
	navigation := ""
	for range 5 {
		var found []string
		for _, path := range next {
			a := s.must(200, "GET", path, "", "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
			if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				continue
			}
			if policy := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';") {
				w.t.Errorf("%s allows %q", path, policy)
			}
			w.open(path)
			w.check(path)
			if shown := do(w, "navigation", chromedp.Evaluate[string]("[...document.querySelectorAll('header nav a')].map(a => a.getAttribute('href')).join(' ')")); navigation == "" {
				navigation = shown
			} else if shown != navigation {
				w.t.Errorf("%s leads to %s, the front page to %s", path, shown, navigation)
			}
			for _, link := range do(w, "links", chromedp.Evaluate[[]string]("[...document.links].map(a => a.href.split('#')[0])")) {
				to, own := strings.CutPrefix(link, w.base)
				if !own {
					w.t.Errorf("%s leads to %s", path, link)
				} else if !seen[to] {
					seen[to] = true
					found = append(found, to)
				}
			}
		}
		next = found
	}
	w.t.Logf("%d addresses, which lead to %s", len(seen), navigation)
	for _, path := range []string{"/order/form.html", "/order/feed", "/invoicing/1", "/shipping/1", "/order/customer/", "/bonus/", "/bonus/state"} {
		if !seen[path] {
			w.t.Errorf("no link leads to %s", path)
		}
	}
}

func lookAtFaults(w *window) {
	w.open("/order/form.html")
	w.push("Add a line")
	w.push("Add a line")
	w.lookAsItIs("form-three-lines")
	w.fill("orderLine[0].count", "0")
	w.fill("orderLine[2].count", "many")
	w.fill("shippingAddress.city", "Berlin")
	w.press("Place the order")
	w.seeWith(422, "Shipping address: Street is missing", "Line 3: Count must be")
	w.look("form-faults")
	for range 3 {
		w.push("Remove line 1")
	}
	w.press("Place the order")
	w.seeWith(422)
	w.look("form-no-lines")

	w.open("/order/customer/")
	w.fill("email", "nobody")
	w.press("Add the customer")
	w.seeWith(422, "First name is missing", "E-mail must be a complete address")
	w.look("customers-faults")
	w.open("/order/item/")
	w.fill("price", "-1")
	w.press("Add the item")
	w.seeWith(422, "Name is missing", "Price must be")
	w.look("items-faults")

	s := visit(w.t, w.base)
	id := s.placeForm("1")
	w.open("/order/form.html?order=" + id)
	change := `{"customer": 2, "shippingAddress": {"street": "s", "zip": "z", "city": "c"}, "billingAddress": {"street": "s", "zip": "z", "city": "c"}, "orderLine": [{"count": 9, "item": 1}]}`
	s.must(200, "PUT", "/order/"+id, change, jsonIn...)
	w.press("Change the order")
	w.seeWith(412, "This order has been changed since you opened it")
	w.look("form-outdated")
	w.open("/order/form.html?order=" + id)
	s.must(200, "DELETE", "/order/"+id, "", asJSON...)
	w.press("Change the order")
	if w.status != 409 && w.status != 412 {
		w.fail("status %d", w.status)
	}
	w.look("error-change-cancelled")
	for _, c := range []struct {
		name, path string
		status     int64
	}{
		{"order", "/order/999999999", 404}, {"order-id", "/order/nothing", 404}, {"address", "/order/no/such/page", 404}, {"shipment", "/shipping/999999999", 404},
		{"paging", "/order/?before=x&limit=0", 422}, {"method", "/invoicing/poll", 405}, {"apache", "/nothing", 404}, {"apache-address", "/%", 400}, {"sorting", "/invoicing/?sort=best", 422},
	} {
		w.open(c.path)
		w.seeWith(c.status)
		w.look(fmt.Sprintf("error-%s-%d", c.name, c.status))
	}
	for name, c := range map[string]struct {
		script string // runs before the form is submitted
		status int64
	}{
		"too-large":     {`document.getElementById("customer").value = "x".repeat(1_200_000)`, 413},
		"far-too-large": {`document.getElementById("customer").value = "x".repeat(2_400_000)`, 413},
		"no-form":       {`document.getElementById("order").enctype = "text/plain"`, 415},
	} {
		w.open("/order/form.html")
		do(w, "prepare "+name, chromedp.Evaluate[any](c.script+"; null"))
		w.press("Place the order")
		w.seeWith(c.status)
		w.look(fmt.Sprintf("error-%s-%d", name, c.status))
	}
	for name, script := range map[string]bool{"error-of-another-site-403": true, "plain-error-of-another-site-403": false} {
		w.script(script)
		do(w, "open another site", chromedp.Navigate("data:text/html,<form method=post action="+w.base+"/order/><button>Win</button></form>"))
		w.press("Win")
		w.seeWith(403)
		w.lookAsItIs(name)
	}
	w.script(true)
}

func lookAtDown(t *testing.T, s *system.System) {
	w := browse(t, s.URL())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	_, err = db.Exec(ctx, `INSERT INTO invoicing.dead_letter (feed, entry_id, updated, log, position, subject, kind, src, reply_to, content, error, attempts, first_failed, next_try)
		SELECT 'order', 'tag:example.org,2026:' || n, now(), 'e', n, 100 + n, 'placed', '', '', '{}',
			'no invoice can be created: the order cannot be read: invalid character ''<'' looking for beginning of value', n, now(), now() + interval '1 hour'
		FROM generate_series(1, 3) n`)
	if err != nil {
		t.Fatal(err)
	}
	w.open("/invoicing/")
	w.see("Dead letters (3)")
	w.look("dead-letters")
	for n := range 3 {
		w.press(fmt.Sprintf("Skip position %d", n+1))
	}
	w.see("Invoices")
	if strings.Contains(w.text("main"), "Dead letters") {
		w.fail("dead letters are still there")
	}

	client := visit(t, s.URL())
	w.broken = true
	for name, script := range map[string]bool{"error-frozen": true, "plain-error-frozen": false} {
		w.script(script)
		eventually(t, "a request finds order frozen, before Apache's health checks do", 3*patience, func() bool {
			if err := s.Instance("order-1").Freeze(); err != nil {
				t.Fatal(err)
			}
			w.open("/order/")
			if err := s.Instance("order-1").Thaw(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "order is back", patience, func() bool { return client.exists("/order/item/") })
			return w.status == 502 || w.status == 504
		})
		w.lookAsItIs(name)
	}
	w.script(true)

	front := browse(t, s.URL())
	front.broken = true
	front.open("/")
	s.Instance("order-1").Down()
	eventually(t, "order is out", patience, func() bool {
		a, err := client.ask("GET", "/order/", "", asHTML...)
		return err == nil && a.status == 503
	})
	w.open("/order/")
	w.seeWith(503)
	w.look("down-order")
	front.until(".live", func(text string) bool { return strings.Contains(text, "The server does not answer") })
	front.lookAsItIs("front-lost")
	w.open("/")
	w.see("The order service does not answer at the moment")
	w.look("down-front")
	w.open("/invoicing/")
	w.press("Poll now")
	w.see("The poll failed", "Polls have failed since")
	w.look("down-poll-failed")

	s.Postgres().Down()
	instance := browse(t, s.Instance("shipping-1").URL())
	instance.broken = true
	eventually(t, "shipping notices", patience, func() bool {
		instance.open("/shipping/")
		return instance.status == 503
	})
	instance.seeWith(503, "database")
	instance.look("down-postgres")
}

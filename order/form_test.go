// The forms in a browser without script: it sends the fields' values, and nothing that was typed is
// lost.
package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// fields returns what a browser sends when Enter is pressed in the last form with method="post" of
// a page. The form's first button may set the address.
func fields(t *testing.T, page string) (action string, v url.Values) {
	t.Helper()
	pressed := false
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		a := map[string]string{}
		for _, x := range n.Attr {
			a[x.Key] = x.Val
		}
		switch {
		case n.Data == "form" && a["method"] == "post":
			action, v, pressed = a["action"], url.Values{}, false
		case v != nil && n.Data == "button" && !pressed:
			action, pressed = cmp.Or(a["formaction"], action), true
		case v == nil || n.Data != "input":
		case !slices.ContainsFunc(slices.Collect(n.Ancestors()), func(n *html.Node) bool { return n.Data == "template" }):
			v.Set(a["name"], a["value"])
		}
	}
	if v == nil {
		t.Fatalf("no form in\n%s", page)
	}
	return action, v
}

func TestNewFormPlacesOneOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	action, v := fields(t, s.page("/order/form.html"))
	for name, value := range filled(3, 5) {
		if !v.Has(name) {
			t.Errorf("the form has no field %s", name)
		}
		v[name] = value
	}
	first, again := s.form(action, v), s.form(action, v)
	if first.status != 303 || again.header.Get("Location") != first.header.Get("Location") {
		t.Fatalf("%d %s, again %d %s", first.status, first.header.Get("Location"), again.status, again.header.Get("Location"))
	}
	if o := s.order(s.get(first.header.Get("Location")), 200); o.Lines[0].Count != 5 || o.Lines[0].Item.ID != 3 {
		t.Errorf("%+v", o)
	}
	if _, other := fields(t, s.page("/order/form.html")); other.Get("request") == v.Get("request") || len(other.Get("request")) < 20 {
		t.Errorf("another form has the key %q after %q", other.Get("request"), v.Get("request"))
	}
}

// The buttons that add, copy and remove lines return the form with everything else as it was typed.
// A known number or name is replaced by its option.
func TestLinesAreAddedCopiedAndRemoved(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place()
	_, fresh := fields(t, s.page("/order/form.html"))
	_, change := fields(t, s.page(fmt.Sprintf("/order/form.html?order=%d", order)))
	if change.Get("_method") != "PUT" || change.Get("match") == "" || change.Get("orderLine[0].count") != "1" || change.Get("shippingAddress.city") != "Köln" {
		t.Errorf("form of order %d: %v", order, change)
	}
	const iPod, touch, tv = "1 · iPod · 42.00", "2 · iPod touch · 21.00", "4 · Apple TV · 100.00"
	for name, begin := range map[string]url.Values{"new": fresh, "change": change} {
		v := maps.Clone(begin)
		maps.Copy(v, url.Values{"customer": {"rod johnson "}, "shippingAddress.street": {`<b>"half & typed`}, "billingAddress.zip": {"Ü 1"}, "billingAddress.city": {""},
			"orderLine[0].count": {"not a number"}, "orderLine[0].item": {"4"}})
		expect := func(button, value string, changes url.Values, gone ...string) {
			t.Helper()
			want, pressed := maps.Clone(v), maps.Clone(v)
			maps.Copy(want, changes)
			want.Set("customer", "2 · Rod Johnson")
			for _, name := range gone {
				want.Del(name)
			}
			pressed.Set(button, value)
			a := s.form("/order/form.html", pressed)
			if _, v = fields(t, a.body); a.status != 200 || v.Encode() != want.Encode() {
				t.Errorf("%s, %s %s: %d\n%v, want\n%v", name, button, value, a.status, v, want)
			}
		}
		expect("add", "1", url.Values{"orderLine[0].item": {tv}, "orderLine[1].count": {"1"}, "orderLine[1].item": {""}})
		v.Set("orderLine[1].item", "IPOD TOUCH")
		v.Set("orderLine[1].count", "7")
		expect("copy", "1", url.Values{"orderLine[1].item": {touch}, "orderLine[2].count": {"7"}, "orderLine[2].item": {touch}})
		v.Set("orderLine[2].item", "ipod")
		expect("remove", "0", url.Values{"orderLine[0].count": {"7"}, "orderLine[0].item": {touch}, "orderLine[1].count": {"7"}, "orderLine[1].item": {iPod}},
			"orderLine[2].count", "orderLine[2].item")
		v.Set("orderLine[1].item", "no such thing")
		expect("calculate", "1", nil)
	}
	if n := s.number("SELECT count(*) FROM orders"); n != 1 {
		t.Errorf("%d orders: a button placed an order", n)
	}
}

// The form sums up its valid lines. Items of an existing order keep their price.
func TestFormShowsTheTotal(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.order(s.json("POST", "/order/", text(asked(1, 1))), 201)
	s.number("UPDATE item SET price = 50 WHERE item_id = 1 RETURNING 1")
	lines := filled(1, 3, 4, 1000, 2, 0)
	lines.Set("orderLine[3].item", "no such thing")
	lines.Set("orderLine[3].count", "1")
	lines.Set("calculate", "1")
	for order, want := range map[string]string{"": "100,150.00", "1": "100,126.00"} {
		lines.Set("order", order)
		if a := s.form("/order/form.html", lines); !strings.Contains(a.body, `for="order">`+want+"</output>") {
			t.Errorf("order %q: no total of %s in\n%s", order, want, a.body)
		}
	}
}

// A form whose order has been changed since comes back as it was typed, and can be sent again.
func TestOutdatedFormComesBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	path := fmt.Sprintf("/order/%d", s.place())
	action, v := fields(t, s.page("/order/form.html?order=1"))
	v.Set("orderLine[0].count", "9")
	v.Set("shippingAddress.city", "typed by me")
	s.order(s.json("PUT", path, text(asked(2, 2))), 200)
	a := s.form(action, v)
	_, back := fields(t, a.body)
	if a.status != 412 || back.Get("match") == v.Get("match") || !strings.Contains(a.body, "has been changed since") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if v.Set("match", back.Get("match")); back.Encode() != v.Encode() {
		t.Errorf("got\n%v, want\n%v", back, v)
	}
	if a := s.form(action, back); a.status != 303 || s.order(s.get(path), 200).Shipping.City != "typed by me" {
		t.Errorf("sent again: %d %s", a.status, a.body)
	}
	action, v = fields(t, s.page("/order/form.html?order=1"))
	s.do("DELETE", path, "")
	if a := s.form(action, v); a.status != 412 || strings.Contains(a.body, "orderLine") || !strings.Contains(a.body, "has been cancelled in the meantime") {
		t.Errorf("of a cancelled order: %d %s", a.status, a.body)
	}
}

// With many customers and items the form offers only some of them, so that it stays small, and
// accepts all of them.
func TestFormStaysSmall(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, insert := range []string{
		"INSERT INTO customer (firstname, name, email) SELECT 'First name ' || n, 'Name ' || n, 'e' FROM generate_series(1, 2000) n",
		"INSERT INTO item (name, price) SELECT 'Thing number ' || n, n FROM generate_series(1, 2000) n",
		"INSERT INTO item (name, price) SELECT 'Twin', n FROM generate_series(1, 2) n",
	} {
		if err := s.db.Exec(insert).Error; err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/order/form.html", "/order/customer/", "/order/item/"} {
		if page := s.page(path); len(page) > 50_000 || strings.Contains(page, "Name 2000") || strings.Contains(page, "Thing number 999") {
			t.Errorf("%s has %d bytes", path, len(page))
		}
	}
	var lines []int
	for range maxLines {
		lines = append(lines, 1999, 12345)
	}
	full := filled(lines...)
	if a := s.form("/order/form.html", full); a.status != 200 || len(a.body) > 50_000 || strings.Count(a.body, "· Thing number 199") != maxLines {
		t.Errorf("the form with %d lines: %d, %d bytes", maxLines, a.status, len(a.body))
	}
	full.Set("customer", "nobody")
	full.Set("orderLine[99].count", "0")
	if a := s.form("/order/", full); a.status != 422 || len(a.body) > 50_000 {
		t.Errorf("the form with %d lines and two faults: %d, %d bytes", maxLines, a.status, len(a.body))
	}
	if page := s.page("/order/item/?find=number+1234"); !strings.Contains(page, "1,234.00") {
		t.Errorf("the filter does not find an item:\n%s", page)
	}
	for typed, want := range map[string]int{"thing number 1999": 303, "Thing number": 422, "Twin": 422, "2000": 303, "2000 · whatever · 1.00": 303, "": 422, "\x00": 422} {
		v := filled(1, 1)
		v.Set("customer", "first name 1999 name 1999")
		v.Set("orderLine[0].item", typed)
		a := s.form("/order/", v)
		if a.status != want {
			t.Errorf("item %q: %d, want %d", typed, a.status, want)
		}
		if a.status == 422 && !strings.Contains(a.body, `<a href="#orderLine%5b0%5d.item">Line 1: Item is `) {
			t.Errorf("item %q: the summary does not lead to the fault:\n%s", typed, a.body)
		}
	}
}

// A form with faults comes back as it was typed, with each fault at its field. Corrected, it places
// one order.
func TestFaultyFormComesBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, v := fields(t, s.page("/order/form.html"))
	maps.Copy(v, filled(2, 0, 3, 4))
	maps.Copy(v, url.Values{"customer": {"2 · Rod Johnson"}, "shippingAddress.zip": {strings.Repeat("9", 21)}, "billingAddress.street": {"a\x01b"},
		"orderLine[0].item": {"2 · iPod touch · 21.00"}, "orderLine[1].item": {"Thing"}, "orderLine[1].count": {"many"}})
	a := s.form("/order/", v)
	if a.status != 422 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if _, back := fields(t, a.body); back.Encode() != v.Encode() {
		t.Errorf("got\n%v, want\n%v", back, v)
	}
	for field, fault := range map[string]string{
		"shippingAddress.zip": "ZIP code is longer than 20 characters", "billingAddress.street": "Street contains a control character",
		"orderLine[0].count": "Count must be a whole number from 1 to 100000", "orderLine[1].count": "Count must be a whole number from 1 to 100000",
		"orderLine[1].item": "Item is unknown: choose a suggestion, or type the id or the full name",
	} {
		if !strings.Contains(a.body, fmt.Sprintf(`aria-invalid="true" aria-describedby="%s-fault"`, field)) ||
			!strings.Contains(a.body, fmt.Sprintf(`<p class="fault" id="%s-fault">%s</p>`, field, fault)) {
			t.Errorf("no fault at %s in\n%s", field, a.body)
		}
	}
	if n := strings.Count(a.body, `class="fault"`); n != 5 {
		t.Errorf("%d faults are shown, want 5", n)
	}
	maps.Copy(v, filled(2, 1, 3, 4))
	first, again := s.form("/order/", v), s.form("/order/", v)
	if first.status != 303 || again.status != 303 || s.number("SELECT count(*) FROM orders") != 1 {
		t.Errorf("corrected: %d, again %d", first.status, again.status)
	}
}

func TestFormsOfTheCatalog(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, c := range []struct {
		path      string
		bad, good url.Values
		fault     string
	}{
		{"/order/customer/", url.Values{"firstname": {"Ada"}, "name": {"Lovelace"}, "email": {"ada at home"}},
			url.Values{"firstname": {"Ada"}, "name": {"Lovelace"}, "email": {"ada@example.com"}}, "E-mail must be a complete address, such as name@example.com"},
		{"/order/item/", url.Values{"name": {"Cable"}, "price": {"9,90"}}, url.Values{"name": {"Cable"}, "price": {"9.90"}}, "Price must be a number from 0 to 1000000.00, with at most two decimal places"},
	} {
		action, empty := fields(t, s.page(c.path))
		if action != c.path || len(empty) != len(c.good) {
			t.Errorf("%s: form to %s with %v", c.path, action, empty)
		}
		a := s.form(action, c.bad)
		if _, back := fields(t, a.body); a.status != 422 || back.Encode() != c.bad.Encode() || !strings.Contains(a.body, c.fault) {
			t.Errorf("%s: %d %v in\n%s", c.path, a.status, back, a.body)
		}
		a = s.form(action, c.good)
		if to := a.header.Get("Location"); a.status != 303 || !strings.HasPrefix(to, c.path+"?find=") || !strings.Contains(s.page(to), c.good.Get("name")+"</td>") {
			t.Errorf("%s: %d to %s", c.path, a.status, to)
		}
	}
	if page := s.page("/order/form.html"); !strings.Contains(page, "Ada Lovelace") || !strings.Contains(page, "Cable · 9.90") {
		t.Errorf("the form does not offer them:\n%s", page)
	}
}

func TestFormsOfOrders(t *testing.T) {
	t.Parallel()
	s := open(t)
	path := fmt.Sprintf("/order/%d", s.place())
	action, v := fields(t, s.page("/order/form.html?order=1"))
	v.Set("orderLine[0].count", "9")
	if a := s.form(action, v); a.status != 303 || a.header.Get("Location") != path || s.order(s.get(path), 200).Lines[0].Count != 9 {
		t.Errorf("change: %d %s", a.status, a.body)
	}
	action, v = fields(t, s.page(path))
	if a := s.form(action, v); a.status != 303 || s.order(s.get(path), 200).Status != cancelled {
		t.Errorf("cancel: %d %s", a.status, a.body)
	}
	if page := s.page(path); strings.Contains(page, "<form") || strings.Contains(page, "form.html?order") {
		t.Error("a cancelled order offers to be changed")
	}
	for _, unknown := range []string{"99", "0", "-1", "x", "9223372036854775808"} {
		if a := s.get("/order/form.html?order="+unknown, "Accept", browser); a.status != 404 {
			t.Errorf("form of order %s: %d", unknown, a.status)
		}
	}
	for _, odd := range []string{"remove=0", "remove=99", "remove=-1", "remove=x", "add=1&order=x", "customer=%ff&request=%00", "orderLine[0].count=%00&add=1"} {
		s.page("/order/form.html?" + odd)
	}
}

// An empty billing address means the shipping address.
func TestAnEmptyBillingAddressIsTheShippingAddress(t *testing.T) {
	t.Parallel()
	s := open(t)
	v := filled(1, 1)
	for _, part := range []string{"street", "zip", "city"} {
		v.Set("billingAddress."+part, "")
	}
	a := s.form("/order/", v)
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	v.Set("add", "1")
	if _, shown := fields(t, s.form("/order/form.html", v).body); shown.Get("billingAddress.street") != "Hauptstr. 1" {
		t.Errorf("the form shows %v", shown)
	}
	if o := s.order(s.get(a.header.Get("Location")), 200); o.Billing != o.Shipping || o.Billing.City != "Köln" {
		t.Errorf("billing address %+v, shipping address %+v", o.Billing, o.Shipping)
	}
	v.Del("add")
	v.Set("shippingAddress.city", "")
	if a := s.form("/order/", v); a.status != 422 || !strings.Contains(a.body, "Shipping address: City is missing") || strings.Contains(a.body, "Billing address: ") {
		t.Errorf("without a city: %d, want its fault once in %s", a.status, a.body)
	}
	v.Set("shippingAddress.city", "Köln")
	v.Set("billingAddress.city", "Bonn") // no longer empty, so the rest is missing
	if a := s.form("/order/", v); a.status != 422 {
		t.Errorf("half an address: %d", a.status)
	}
}

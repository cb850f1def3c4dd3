// The forms as a browser without script uses them: it sends what is in their fields, and nothing typed is ever lost.
package main

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// fields are what a browser would send of the last form with method="post" in a page.
func fields(t *testing.T, page string) (action string, v url.Values) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var choice string // the select that options belong to
	for n := range doc.Descendants() {
		a := map[string]string{}
		for _, x := range n.Attr {
			a[x.Key] = x.Val
		}
		_, selected := a["selected"]
		switch {
		case n.Data == "form" && a["method"] == "post":
			action, v = a["action"], url.Values{}
		case v == nil:
		case n.Data == "input":
			v.Set(a["name"], a["value"])
		case n.Data == "select":
			choice = a["name"]
		case n.Data == "option" && (selected || !v.Has(choice)):
			v.Set(choice, a["value"])
		}
	}
	if v == nil {
		t.Fatalf("no form in\n%s", page)
	}
	return action, v
}

func TestFormAsItComesPlacesAnOrder(t *testing.T) {
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
		t.Errorf("another form has the name %q after %q", other.Get("request"), v.Get("request"))
	}
}

// The buttons that add and remove lines ask for the form again; all else in it stays as it was typed.
func TestLinesAreAddedAndRemoved(t *testing.T) {
	s := open(t)
	order := s.place()
	_, fresh := fields(t, s.page("/order/form.html"))
	_, change := fields(t, s.page(fmt.Sprintf("/order/form.html?order=%d", order)))
	if change.Get("_method") != "PUT" || change.Get("match") == "" || change.Get("orderLine[0].count") != "1" || change.Get("shippingAddress.city") != "Köln" {
		t.Errorf("form of order %d: %v", order, change)
	}
	for name, begin := range map[string]url.Values{"new": fresh, "change": change} {
		v := maps.Clone(begin)
		maps.Copy(v, url.Values{"customer": {"2"}, "shippingAddress.street": {`<b>"half & typed`}, "billingAddress.zip": {"Ü 1"}, "billingAddress.city": {""},
			"orderLine[0].count": {"not a number"}, "orderLine[0].item": {"4"}})
		expect := func(button, value string, changes url.Values, gone ...string) {
			t.Helper()
			want, pressed := maps.Clone(v), maps.Clone(v)
			maps.Copy(want, changes)
			for _, name := range gone {
				want.Del(name)
			}
			pressed.Set(button, value)
			if _, v = fields(t, s.page("/order/form.html?"+pressed.Encode())); v.Encode() != want.Encode() {
				t.Errorf("%s, %s %s: got\n%v, want\n%v", name, button, value, v, want)
			}
		}
		expect("add", "1", url.Values{"orderLine[1].count": {"1"}, "orderLine[1].item": {"4"}}) // the first item of the list
		v.Set("orderLine[1].item", "2")
		v.Set("orderLine[1].count", "7")
		expect("add", "1", url.Values{"orderLine[2].count": {"1"}, "orderLine[2].item": {"4"}})
		expect("remove", "0", url.Values{"orderLine[0].count": {"7"}, "orderLine[0].item": {"2"}, "orderLine[1].count": {"1"}, "orderLine[1].item": {"4"}},
			"orderLine[2].count", "orderLine[2].item")
	}
	if n := s.number("SELECT count(*) FROM orders"); n != 1 {
		t.Errorf("%d orders: a form was taken for one", n)
	}
}

// A form with faults comes back as it was typed, with each fault at its field; put right, it places one order.
func TestFaultyFormComesBack(t *testing.T) {
	s := open(t)
	_, v := fields(t, s.page("/order/form.html"))
	maps.Copy(v, filled(2, 0, 3, 4))
	maps.Copy(v, url.Values{"customer": {"2"}, "shippingAddress.zip": {strings.Repeat("9", 21)}, "billingAddress.street": {"a\x01b"}, "orderLine[1].count": {"many"}})
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
	} {
		if !strings.Contains(a.body, fmt.Sprintf(`aria-invalid="true" aria-describedby="%s-fault"`, field)) ||
			!strings.Contains(a.body, fmt.Sprintf(`<p class="fault" id="%s-fault">%s</p>`, field, fault)) {
			t.Errorf("no fault at %s in\n%s", field, a.body)
		}
	}
	if n := strings.Count(a.body, `class="fault"`); n != 4 {
		t.Errorf("%d faults are shown, want 4", n)
	}
	maps.Copy(v, filled(2, 1, 3, 4))
	first, again := s.form("/order/", v), s.form("/order/", v)
	if first.status != 303 || again.status != 303 || s.number("SELECT count(*) FROM orders") != 1 {
		t.Errorf("put right: %d, again %d", first.status, again.status)
	}
}

func TestFormsOfTheCatalog(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		path      string
		bad, good url.Values
		fault     string
	}{
		{"/order/customer/", url.Values{"firstname": {"Ada"}, "name": {"Lovelace"}, "email": {"ada at home"}},
			url.Values{"firstname": {"Ada"}, "name": {"Lovelace"}, "email": {"ada@example.com"}}, "E-mail is not an e-mail address"},
		{"/order/item/", url.Values{"name": {"Cable"}, "price": {"9,90"}}, url.Values{"name": {"Cable"}, "price": {"9.90"}}, "Price must be a number from 0 to 1000000.00"},
	} {
		action, empty := fields(t, s.page(c.path))
		if action != c.path || len(empty) != len(c.good) {
			t.Errorf("%s: form to %s with %v", c.path, action, empty)
		}
		a := s.form(action, c.bad)
		if _, back := fields(t, a.body); a.status != 422 || back.Encode() != c.bad.Encode() || !strings.Contains(a.body, c.fault) {
			t.Errorf("%s: %d %v in\n%s", c.path, a.status, back, a.body)
		}
		if a := s.form(action, c.good); a.status != 303 || a.header.Get("Location") != c.path || !strings.Contains(s.page(c.path), c.good.Get("name")) {
			t.Errorf("%s: %d to %s", c.path, a.status, a.header.Get("Location"))
		}
	}
	if page := s.page("/order/form.html"); !strings.Contains(page, "Ada Lovelace") || !strings.Contains(page, "Cable · 9.90") {
		t.Errorf("the form does not offer them:\n%s", page)
	}
}

func TestFormsOfOrders(t *testing.T) {
	s := open(t)
	path := fmt.Sprintf("/order/%d", s.place())
	action, v := fields(t, s.page("/order/form.html?order=1"))
	v.Set("orderLine[0].count", "9")
	if a := s.form(action, v); a.status != 303 || a.header.Get("Location") != path || s.order(s.get(path), 200).Lines[0].Count != 9 {
		t.Errorf("change: %d %s", a.status, a.body)
	}
	if a := s.form(action, v); a.status != 412 {
		t.Errorf("the same change from a page of before: %d", a.status)
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

// Who bills where they ship leaves the second address empty.
func TestAnEmptyBillingAddressIsTheShippingAddress(t *testing.T) {
	s := open(t)
	v := filled(1, 1)
	for _, part := range []string{"street", "zip", "city"} {
		v.Set("billingAddress."+part, "")
	}
	a := s.form("/order/", v)
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if o := s.order(s.get(a.header.Get("Location")), 200); o.Billing != o.Shipping || o.Billing.City != "Köln" {
		t.Errorf("billing address %+v, shipping address %+v", o.Billing, o.Shipping)
	}
	v.Set("billingAddress.city", "Bonn") // not empty: what is missing is said
	if a := s.form("/order/", v); a.status != 422 {
		t.Errorf("half an address: %d", a.status)
	}
}

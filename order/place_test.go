// Placing orders by JSON and by form. A repeated request places one order.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// The JSON of an order is a contract: the tests of invoicing and shipping read the same file.
func TestOrderJSONMatchesTheContract(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.json("POST", "/order/item/", `{"name": "Cable", "price": 9.9}`)
	a := s.json("POST", "/order/", `{"id": 77, "updated": "1999-01-01T00:00:00Z", "status": "cancelled", "numberOfLines": 9, "unknown": {},
		"customer": {"customerId": 1, "name": "ignored"},
		"shippingAddress": {"street": " Krischerstr. 100 ", "zip": "40789", "city": "Monheim am Rhein"},
		"billingAddress": {"street": "Ohlauer Straße 43", "zip": "10999", "city": "Berlin"},
		"orderLine": [{"count": 42, "item": {"itemId": 1, "name": "ignored", "price": 0.01}}, {"count": 1, "item": 5}]}`)
	if a.status != 201 || a.header.Get("Location") != "/order/1" || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d, Location %q, %v", a.status, a.header.Get("Location"), a.header)
	}
	want, err := os.ReadFile("testdata/order.json")
	if err != nil {
		t.Fatal(err)
	}
	served := s.get(a.header.Get("Location"))
	if served.body != a.body || served.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("the answer to POST differs from GET:\n%s%s", a.body, served.body)
	}
	updated := regexp.MustCompile(`"updated":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"`)
	if !updated.MatchString(a.body) {
		t.Errorf("no time in whole seconds: %s", a.body)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, updated.ReplaceAll([]byte(a.body), []byte(`"updated":"2026-11-21T10:00:00Z"`)), "", "  "); err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%swant\n%s", &got, want)
	}

	var list []json.RawMessage
	s.decode(s.get("/order/"), &list)
	var feed struct {
		Items []struct {
			Event struct{ Snapshot any } `json:"_msatom"`
		}
	}
	s.decode(s.get("/order/feed"), &feed)
	if canonical(t, string(list[0])) != canonical(t, a.body) {
		t.Errorf("list: got\n%s\nwant\n%s", list[0], a.body)
	}
	// The time of an event is that of its entry.
	snapshot := strings.Replace(a.body, updated.FindString(a.body)+",", "", 1)
	if got := text(feed.Items[0].Event.Snapshot); canonical(t, got) != canonical(t, snapshot) {
		t.Errorf("snapshot: got\n%s\nwant\n%s", got, snapshot)
	}
}

func canonical(t *testing.T, object string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(object), &v); err != nil {
		t.Fatal(err)
	}
	return text(v)
}

func TestFormPlacesAnOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := s.form("/order/", filled(1, 2, 3, 4))
	if a.status != 303 || a.header.Get("Location") != "/order/1" {
		t.Fatalf("%d, Location %q: %s", a.status, a.header.Get("Location"), a.body)
	}
	o := s.order(s.get("/order/1"), 200)
	if o.Status != "placed" || o.Customer.ID != 1 || o.Billing.Street != "Nebenstr. 2" || o.NumberOfLines != 2 || o.Total().String() != "88.00" {
		t.Errorf("%+v", o)
	}
	for _, want := range []string{"Order 1", "Eberhard Wolff", "Hauptstr. 1", "88.00", "order-test"} {
		if !strings.Contains(s.page("/order/1"), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// A request with an idempotency key places one order, whether it is repeated one by one or 20 times
// at once.
func TestRepeatedRequestPlacesOneOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	named := func(request string) url.Values { v := filled(1, 1); v.Set("request", request); return v }
	for i, c := range []struct {
		name string
		send func() reply
		want int
	}{
		{"form", func() reply { return s.form("/order/", named("form-1")) }, 303},
		{"JSON", func() reply { return s.json("POST", "/order/", text(asked(1, 1)), "Idempotency-Key", "json-1") }, 201},
		{"20 forms at once", func() reply { return atOnce(func() reply { return s.form("/order/", named("form-20")) }) }, 303},
		{"20 times JSON at once", func() reply {
			return atOnce(func() reply { return s.json("POST", "/order/", text(asked(1, 1)), "Idempotency-Key", "json-20") })
		}, 201},
	} {
		first, second := c.send(), c.send()
		if first.status != c.want || second.status != c.want || first.header.Get("Location") != second.header.Get("Location") || first.body != second.body {
			t.Errorf("%s: first %+v, second %+v", c.name, first, second)
		}
		if n := s.number("SELECT count(*) FROM orders"); n != int64(i+1) {
			t.Errorf("%s: %d orders, want %d", c.name, n, i+1)
		}
		if events, lines := s.number("SELECT count(*) FROM outbox_position"), s.number("SELECT count(*) FROM order_line"); events != int64(i+1) || lines != int64(i+1) {
			t.Errorf("%s: %d events and %d lines, want %d", c.name, events, lines, i+1)
		}
	}
	s.place()
	s.place()
	if n := s.number("SELECT count(*) FROM orders"); n != 6 {
		t.Errorf("requests without a key: %d orders, want 6", n)
	}
}

// An idempotency key cannot place a second order with different values. The form offers to do so with a
// key of its own.
func TestKeyIsNotReused(t *testing.T) {
	t.Parallel()
	s := open(t)
	send := func(count int) reply { return s.json("POST", "/order/", text(asked(1, count)), "Idempotency-Key", "k") }
	first := send(1)
	if a := send(9); a.status != 422 || !strings.Contains(a.body, `"Idempotency-Key","detail":"has already placed order 1, with different values"`) {
		t.Errorf("the key with another count: %+v", a)
	}
	s.json("PUT", "/order/1", text(asked(1, 9)))
	if a := send(1); a.status != 201 || a.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("the same request, after the order was changed: %+v", a)
	}
	form := filled(1, 1)
	form.Set("request", "f")
	placed := s.form("/order/", form).header.Get("Location")
	form.Set("orderLine[0].count", "9")
	refused := s.form("/order/", form)
	if refused.status != 422 || !strings.Contains(refused.body, `<a href="`+placed+`">Order `) || !strings.Contains(refused.body, `value="9"`) {
		t.Fatalf("the form with another count: %+v", refused)
	}
	if n := s.number("SELECT count(*) FROM orders"); n != 2 {
		t.Errorf("%d orders, want 2", n)
	}
	key := regexp.MustCompile(`name="request" value="(\w+)"`).FindStringSubmatch(refused.body)
	if key == nil {
		t.Fatal("the form has no key")
	}
	form.Set("request", key[1])
	if a := s.form("/order/", form); a.status != 303 || a.header.Get("Location") == placed || s.number("SELECT count(*) FROM orders") != 3 {
		t.Errorf("the form sent again as shown: %+v", a)
	}
}

// atOnce sends 20 requests at once and returns their answer, or one with status 0 if the answers
// differ.
func atOnce(send func() reply) reply {
	all := make([]reply, 20)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = send() })
	}
	wg.Wait()
	for _, a := range all {
		if a.status != all[0].status || a.header.Get("Location") != all[0].header.Get("Location") {
			return reply{body: fmt.Sprintf("answers differ: %+v and %+v", all[0], a)}
		}
	}
	return all[0]
}

// When a client has the answer to its POST, the order is in the feed and in the list: a conditional
// request finds it, by ETag or by date, and a second one gets 304.
func TestPlacedOrderIsInTheFeedAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	type client struct{ path, accept, tag, date string }
	clients := [][]*client{
		{{path: "/order/feed", accept: reader}, {path: "/order/?limit=2", accept: browser}},
		{{path: "/order/feed", accept: program}, {path: "/order/?limit=2", accept: program}},
	}
	for round := range 80 {
		id := s.place()
		inPage, inJSON := fmt.Sprintf(`/order/%d"`, id), fmt.Sprintf(`"id":%d,`, id)
		for _, c := range clients[round%2] {
			condition := []string{"If-None-Match", c.tag}
			if round%4 > 1 {
				condition = []string{"If-Modified-Since", c.date}
			}
			a := s.get(c.path, append(condition, "Accept", c.accept)...)
			if a.status != 200 || !strings.Contains(a.body, inPage) && !strings.Contains(a.body, inJSON) {
				t.Fatalf("GET %s as %.20s with %q after order %d: %d\n%.400s", c.path, c.accept, condition, id, a.status, a.body)
			}
			c.tag, c.date = a.header.Get("ETag"), a.header.Get("Last-Modified")
			if again := s.get(c.path, "Accept", c.accept, "If-None-Match", c.tag, "If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"); again.status != 304 || again.body != "" {
				t.Fatalf("GET %s as %.20s again: %d", c.path, c.accept, again.status)
			}
		}
	}
}

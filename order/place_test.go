// Placing orders: by JSON and by form, once however often the same request is sent.
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

// The JSON of an order is a contract: invoicing and shipping are tested with the same file.
func TestOrderIsServedAsTheContractSays(t *testing.T) {
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
	for name, got := range map[string]string{"list": string(list[0]), "snapshot": text(feed.Items[0].Event.Snapshot)} {
		if canonical(t, got) != canonical(t, a.body) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, a.body)
		}
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

// However a request that has a name is repeated, one after the other or 20 at once, it places one order.
func TestRepeatedRequestPlacesOneOrder(t *testing.T) {
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
		if events, lines := s.number("SELECT count(*) FROM feed_position"), s.number("SELECT count(*) FROM order_line"); events != int64(i+1) || lines != int64(i+1) {
			t.Errorf("%s: %d events and %d lines, want %d", c.name, events, lines, i+1)
		}
	}
	s.place()
	s.place()
	if n := s.number("SELECT count(*) FROM orders"); n != 6 {
		t.Errorf("requests without a name: %d orders, want 6", n)
	}
}

// atOnce sends 20 requests at once and returns their answer, or a strange one if they differ.
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

// The answer to a POST is given when the order is in the feed and in the list: who asks next finds it, whether by entity tag
// or by date, and who asks once more is told that nothing is new.
func TestWhoGotAnAnswerFindsTheOrder(t *testing.T) {
	s := open(t)
	type client struct{ path, accept, tag, date string }
	clients := [][]*client{
		{{path: "/order/feed", accept: reader}, {path: "/order/?limit=2", accept: browser}},
		{{path: "/order/feed", accept: program}, {path: "/order/?limit=2", accept: program}},
	}
	for round := range 200 {
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

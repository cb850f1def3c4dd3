// Text from people or attackers is kept as it is or refused at its field.
package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

// textFields are all text fields that the service accepts.
var textFields = []struct{ path, field string }{
	{"/order/", "shippingAddress.street"}, {"/order/", "shippingAddress.zip"}, {"/order/", "shippingAddress.city"},
	{"/order/", "billingAddress.street"}, {"/order/", "billingAddress.zip"}, {"/order/", "billingAddress.city"},
	{"/order/customer/", "firstname"}, {"/order/customer/", "name"}, {"/order/customer/", "email"},
	{"/order/item/", "name"},
}

// request returns a valid request to path, as JSON and as a form, with the raw value of one field
// replaced: in JSON without its quotes, in a form percent-encoded.
func request(path, field, inJSON, inForm string) (jsonBody, formBody string) {
	const mark = "MARK"
	v := url.Values{"firstname": {"Jane"}, "name": {"Doe"}, "email": {"jane@example.com"}, "price": {"1"}}
	o := map[string]any{"firstname": "Jane", "name": "Doe", "email": "jane@example.com", "price": 1}
	if path == "/order/" {
		v, o = filled(1, 1), asked(1, 1)
	}
	v.Set(field, mark)
	if address, member, nested := strings.Cut(field, "."); nested {
		o[address].(map[string]any)[member] = mark
	} else {
		o[field] = mark
	}
	return strings.Replace(text(o), mark, inJSON, 1), strings.Replace(v.Encode(), mark, inForm, 1)
}

func TestRefusedTexts(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, f := range textFields {
		for _, c := range []struct{ name, inJSON, inForm string }{
			{"missing", "", ""},
			{"blank", ` \t `, "+%09+"},
			{"NUL", `a\u0000b`, "a%00b"},
			{"invalid UTF-8", "a\xffb", "a%FFb"},
			{"overlong UTF-8", "a\xc0\x80b", "a%C0%80b"},
			{"half a surrogate", `a\ud800b`, "a%ED%A0%80b"},
			{"control character", `a\u001bb`, "a%1Bb"},
			{"line break", `a\nb`, "a%0D%0Ab"},
			{"no character", `a\uffffb`, "a%EF%BF%BFb"},
			{"too long", strings.Repeat("é", 201), strings.Repeat("%C3%A9", 201)},
			{"absurdly long", strings.Repeat("é", 100_000), strings.Repeat("%C3%A9", 100_000)},
		} {
			t.Run(f.path+f.field+" "+c.name, func(t *testing.T) {
				jsonBody, formBody := request(f.path, f.field, c.inJSON, c.inForm)
				refusal{method: "POST", path: f.path, contentType: asJSON, body: jsonBody, status: 422, fields: []string{f.field}}.check(t, s)
				refusal{method: "POST", path: f.path, contentType: asForm, body: formBody, status: 422, fields: []string{f.field}}.check(t, s)
			})
		}
	}
}

// Printable text is kept: JSON returns it unchanged, pages show it escaped, and the feed stays
// valid.
func TestMarkupInEveryField(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, evil := range []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=1>`,
		`'; DROP TABLE x;--`,
		`{{.}}${7*7}<!--]]>&amp;`,
		`javascript:a("Ω😀")`,
	} {
		// An e-mail address has a grammar, in which markup must be quoted.
		email := `"<script>'&"@example.com`
		var customer, item struct{ CustomerID, ItemID int64 }
		s.decode(s.json("POST", "/order/customer/", text(map[string]any{"firstname": evil, "name": evil, "email": "a'b&c{{}}@example.com"})), &customer)
		s.decode(s.json("POST", "/order/item/", text(map[string]any{"name": evil, "price": 1})), &item)
		s.json("POST", "/order/customer/", text(map[string]any{"firstname": "a", "name": "b", "email": email}))
		o := asked(int(item.ItemID), 1)
		o["customer"] = customer.CustomerID
		place := map[string]any{"street": evil, "zip": evil[:min(len(evil), 18)], "city": evil}
		o["shippingAddress"], o["billingAddress"] = place, place
		if evil[0] == 'j' {
			place["zip"] = "Ω😀"
		}
		got := s.order(s.json("POST", "/order/", text(o)), 201)
		if got.Customer.Name != evil || got.Customer.Firstname != evil || got.Lines[0].Item.Name != evil || got.Shipping.City != evil || got.Billing.Street != evil {
			t.Errorf("%q came back as %+v", evil, got)
		}
		again := s.form("/order/", url.Values{"customer": {fmt.Sprint(customer.CustomerID)}, "orderLine[0].item": {fmt.Sprint(item.ItemID)}, "orderLine[0].count": {"1"},
			"shippingAddress.street": {evil}, "shippingAddress.zip": {"1"}, "shippingAddress.city": {evil},
			"billingAddress.street": {evil}, "billingAddress.zip": {"1"}, "billingAddress.city": {evil}})
		if o := s.order(s.get(again.header.Get("Location")), 200); again.status != 303 || o.Shipping.City != evil {
			t.Errorf("%q typed in a form came back as %+v", evil, o)
		}

		id := fmt.Sprint(got.ID)
		for _, path := range []string{"/order/", "/order/" + id, "/order/form.html?order=" + id, "/order/customer/", "/order/item/",
			"/order/form.html?add=1&shippingAddress.street=" + url.QueryEscape(evil), "/order/?name=" + url.QueryEscape(evil)} {
			page := s.page(path)
			if strings.Contains(page, evil) && strings.ContainsAny(evil, `<"&`) {
				t.Errorf("%s shows %q unescaped", path, evil)
			}
			if !strings.Contains(html.UnescapeString(page), evil) {
				t.Errorf("%s does not show %q", path, evil)
			}
		}
		if strings.Contains(s.page("/order/customer/"), email) {
			t.Error("the e-mail address is shown unescaped")
		}
		for _, f := range s.feed().Entries {
			if f.ID == "" || f.UpdatedParsed == nil {
				t.Errorf("entry %+v", f)
			}
		}
		var feed struct {
			Items []struct {
				Event struct{ Snapshot json.RawMessage } `json:"_msatom"`
			}
		}
		s.decode(s.get("/order/feed"), &feed)
		if !strings.Contains(string(feed.Items[0].Event.Snapshot), text(evil)) {
			t.Errorf("snapshot %s", feed.Items[0].Event.Snapshot)
		}
		refused := s.json("POST", "/order/", "{}", "Accept", browser, "Idempotency-Key", evil)
		if strings.Contains(refused.body, "<script>alert") {
			t.Errorf("an error page shows %q", evil)
		}
	}
}

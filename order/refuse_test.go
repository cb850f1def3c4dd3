// Refused requests: each gets a clear answer, a problem document for a program and a page for a
// browser, and writes nothing.
package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"msatom/shared/problem"
)

// refusal is a request and the answer it must get.
type refusal struct {
	name        string
	method      string
	path        string
	contentType string
	body        string
	status      int
	fields      []string // that the answer names
	header      []string
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

// check sends a request as a program and as a browser would.
func (c refusal) check(t *testing.T, s *shop) {
	t.Helper()
	before := s.state()
	header := append([]string{"Content-Type", c.contentType}, c.header...)
	a := s.do(c.method, c.path, c.body, append([]string{"Accept", program}, header...)...)
	if a.status != c.status || a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("program: %d %s, want %d: %s", a.status, a.header.Get("Content-Type"), c.status, a.body)
	}
	var p problem.Error
	if s.decode(a, &p); p.Status != c.status || p.Title == "" || len(c.fields) == 0 && p.Detail == "" {
		t.Errorf("problem document %s", a.body)
	}
	var fields []string
	for _, f := range p.Fields {
		fields = append(fields, f.Name)
	}
	if slices.Sort(fields); !slices.Equal(fields, slices.Sorted(slices.Values(c.fields))) {
		t.Errorf("faults at %q, want %q", fields, c.fields)
	}
	a = s.do(c.method, c.path, c.body, append([]string{"Accept", browser}, header...)...)
	if a.status != c.status || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("browser: %d %s, want %d: %s", a.status, a.header.Get("Content-Type"), c.status, a.body)
	}
	if !strings.Contains(a.body, `<link rel="stylesheet" href="/order/style.css`) || !strings.Contains(a.body, "Answered by <b>order-test</b>") {
		t.Errorf("browser: the page is not in the layout:\n%s", a.body)
	}
	if s.state() != before {
		t.Error("something was written")
	}
}

// with returns the usual order in JSON with one member replaced, or removed if value is nil.
func with(member string, value any) string {
	o := asked(1, 1)
	if o[member] = value; value == nil {
		delete(o, member)
	}
	return text(o)
}

// line returns an order in JSON with a valid first line and the given second line.
func line(second string) string {
	return strings.Replace(with("orderLine", "LINES"), `"LINES"`, `[{"count":1,"item":1},`+second+`]`, 1)
}

func TestRefusedOrders(t *testing.T) {
	t.Parallel()
	s := open(t)
	order := s.place()
	long := []int{}
	for range 101 {
		long = append(long, 1, 1)
	}
	second := []string{"orderLine[1].count"}
	for _, c := range []refusal{
		{name: "no lines", body: with("orderLine", []any{}), fields: []string{"orderLine"}},
		{name: "lines missing", body: with("orderLine", nil), fields: []string{"orderLine"}},
		{name: "101 lines", body: text(asked(long...)), fields: []string{"orderLine"}},
		{name: "lines not a list", body: with("orderLine", "x"), fields: []string{"orderLine"}},
		{name: "count 0", body: line(`{"count":0,"item":1}`), fields: second},
		{name: "count negative", body: line(`{"count":-1,"item":1}`), fields: second},
		{name: "count above the maximum", body: line(`{"count":100001,"item":1}`), fields: second},
		{name: "count beyond int64", body: line(`{"count":9223372036854775808,"item":1}`), fields: second},
		{name: "count with a fraction", body: line(`{"count":1.5,"item":1}`), fields: second},
		{name: "count a text", body: line(`{"count":"1","item":1}`), fields: second},
		{name: "count 1e400", body: line(`{"count":1e400,"item":1}`), fields: second},
		{name: "count null", body: line(`{"count":null,"item":1}`), fields: second},
		{name: "count missing", body: line(`{"item":1}`), fields: second},
		{name: "line empty", body: line(`{}`), fields: []string{"orderLine[1].count", "orderLine[1].item"}},
		{name: "item unknown", body: line(`{"count":1,"item":99}`), fields: []string{"orderLine[1].item"}},
		{name: "item 0", body: line(`{"count":1,"item":{"itemId":0}}`), fields: []string{"orderLine[1].item"}},
		{name: "item beyond int64", body: line(`{"count":1,"item":9223372036854775808}`), fields: []string{"orderLine[1].item"}},
		{name: "item a text", body: line(`{"count":1,"item":"iPod"}`), fields: []string{"orderLine[1].item"}},
		{name: "customer unknown", body: with("customer", 99), fields: []string{"customer"}},
		{name: "customer negative", body: with("customer", -1), fields: []string{"customer"}},
		{name: "customer missing", body: with("customer", nil), fields: []string{"customer"}},
		{name: "customer a list", body: with("customer", []int{1}), fields: []string{"customer"}},
		{name: "customer without id", body: with("customer", map[string]any{"name": "Wolff"}), fields: []string{"customer"}},
		{name: "address missing", body: with("billingAddress", nil), fields: []string{"billingAddress.street", "billingAddress.zip", "billingAddress.city"}},
		{name: "street a number", body: with("shippingAddress", map[string]any{"street": 1}), fields: []string{"shippingAddress.street"}},
		{name: "all at once", body: `{"orderLine": [{"count": -1, "item": 99}]}`, fields: []string{"customer", "orderLine[0].count", "orderLine[0].item",
			"shippingAddress.street", "shippingAddress.zip", "shippingAddress.city", "billingAddress.street", "billingAddress.zip", "billingAddress.city"}},
		{name: "not an object", body: `[]`, fields: []string{"body"}},
	} {
		t.Run("JSON "+c.name, func(t *testing.T) {
			c.contentType, c.status = asJSON, 422
			c.method, c.path = "POST", "/order/"
			c.check(t, s)
			c.method, c.path = "PUT", fmt.Sprintf("/order/%d", order)
			c.check(t, s)
		})
	}
	for _, c := range []struct {
		name   string
		typed  url.Values
		fields []string
	}{
		{"no lines", url.Values{"orderLine[0].count": nil, "orderLine[0].item": nil}, []string{"orderLine"}},
		{"101 lines", filled(long...), []string{"orderLine"}},
		{"count 0", url.Values{"orderLine[0].count": {"0"}}, []string{"orderLine[0].count"}},
		{"count -5", url.Values{"orderLine[0].count": {"-5"}}, []string{"orderLine[0].count"}},
		{"count 1.5", url.Values{"orderLine[0].count": {"1.5"}}, []string{"orderLine[0].count"}},
		{"count abc", url.Values{"orderLine[0].count": {"abc"}}, []string{"orderLine[0].count"}},
		{"count empty", url.Values{"orderLine[0].count": {""}}, []string{"orderLine[0].count"}},
		{"count missing", url.Values{"orderLine[0].count": nil}, []string{"orderLine[0].count"}},
		{"count above the maximum", url.Values{"orderLine[0].count": {"4294967297"}}, []string{"orderLine[0].count"}},
		{"count beyond int64", url.Values{"orderLine[0].count": {"99999999999999999999"}}, []string{"orderLine[0].count"}},
		{"item unknown", url.Values{"orderLine[0].item": {"99"}}, []string{"orderLine[0].item"}},
		{"item a text", url.Values{"orderLine[0].item": {"iPo"}}, []string{"orderLine[0].item"}},
		{"customer unknown", url.Values{"customer": {"99"}}, []string{"customer"}},
		{"customer missing", url.Values{"customer": nil}, []string{"customer"}},
		{"idempotency key too long", url.Values{"request": {strings.Repeat("x", 201)}}, []string{"request"}},
		{"all missing", url.Values{"customer": nil, "orderLine[0].item": nil, "billingAddress.city": nil, "shippingAddress.zip": nil},
			[]string{"customer", "orderLine[0].item", "billingAddress.city", "shippingAddress.zip"}},
	} {
		t.Run("form "+c.name, func(t *testing.T) {
			v := filled(1, 1)
			maps.Copy(v, c.typed)
			refusal{method: "POST", path: "/order/", contentType: asForm, body: v.Encode(), status: 422, fields: c.fields}.check(t, s)
			v.Set("_method", "PUT")
			refusal{method: "POST", path: fmt.Sprintf("/order/%d", order), contentType: asForm, body: v.Encode(), status: 422, fields: c.fields}.check(t, s)
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	good, huge := text(asked(1, 1)), strings.Repeat("x", 1<<20)
	for _, c := range []refusal{
		{name: "empty JSON", method: "POST", path: "/order/", contentType: asJSON, status: 415},
		{name: "half JSON", method: "POST", path: "/order/", contentType: asJSON, body: good[:len(good)-1], status: 415},
		{name: "two JSON values", method: "POST", path: "/order/", contentType: asJSON, body: good + good, status: 415},
		{name: "deep JSON", method: "POST", path: "/order/", contentType: asJSON, body: strings.Repeat("[", 20_000), status: 415},
		{name: "XML as JSON", method: "PUT", path: "/order/1", contentType: asJSON, body: "<order/>", status: 415},
		{name: "a form as JSON", method: "POST", path: "/order/", contentType: asJSON, body: filled(1, 1).Encode(), status: 415},
		{name: "a broken form", method: "POST", path: "/order/", contentType: asForm, body: filled(1, 1).Encode() + "&x=%zz", status: 415},
		{name: "no content type", method: "POST", path: "/order/", body: good, status: 415},
		{name: "an unsupported content type", method: "POST", path: "/order/", contentType: "text/plain", body: good, status: 415},
		{name: "a broken content type", method: "POST", path: "/order/", contentType: "application/json; =", body: good, status: 415},
		{name: "XML", method: "PUT", path: "/order/1", contentType: "application/xml", body: "<order/>", status: 415},
		{name: "a multipart form", method: "POST", path: "/order/", contentType: "multipart/form-data; boundary=b",
			body: "--b\r\nContent-Disposition: form-data; name=\"customer\"\r\n\r\n1\r\n--b--\r\n", status: 415},
		{name: "multipart customer", method: "POST", path: "/order/customer/", contentType: "multipart/form-data; boundary=b", status: 415},
		{name: "item as text", method: "POST", path: "/order/item/", contentType: "text/plain", body: "x", status: 415},
		{name: "customer not JSON", method: "POST", path: "/order/customer/", contentType: asJSON, body: "{", status: 415},
		{name: "price negative", method: "POST", path: "/order/item/", contentType: asJSON, body: `{"name":"x","price":-1}`, status: 422, fields: []string{"price"}},
		{name: "price a text", method: "POST", path: "/order/item/", contentType: asJSON, body: `{"name":"x","price":"cheap"}`, status: 422, fields: []string{"price"}},
		{name: "price with three decimals", method: "POST", path: "/order/item/", contentType: asForm, body: "name=x&price=1.005", status: 422, fields: []string{"price"}},
		{name: "price above the maximum", method: "POST", path: "/order/item/", contentType: asForm, body: "name=x&price=1e999999999", status: 422, fields: []string{"price"}},
		{name: "price and name missing", method: "POST", path: "/order/item/", contentType: asJSON, body: `{}`, status: 422, fields: []string{"name", "price"}},
		{name: "name a number", method: "POST", path: "/order/item/", contentType: asJSON, body: `{"name":1,"price":1}`, status: 422, fields: []string{"name"}},
		{name: "no e-mail address", method: "POST", path: "/order/customer/", contentType: asForm, body: "name=x&firstname=y&email=z", status: 422, fields: []string{"email"}},
		{name: "idempotency key too long", method: "POST", path: "/order/", contentType: asJSON, body: good, status: 422,
			header: []string{"Idempotency-Key", strings.Repeat("k", 201)}, fields: []string{"Idempotency-Key"}},
		{name: "unknown address", method: "GET", path: "/order/1/2", status: 404},
		{name: "nothing", method: "GET", path: "/nothing", status: 404},
		{name: "document 0", method: "GET", path: "/order/feed/0", status: 404},
		{name: "document that does not exist yet", method: "GET", path: "/order/feed/2", status: 404},
		{name: "document beyond int64", method: "GET", path: "/order/feed/9223372036854775808", status: 404},
		{name: "document whose positions are beyond int64", method: "GET", path: "/order/feed/9223372036854775807", status: 404},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
	for _, id := range []string{"0", "-1", "007", "+1", "1.0", "abc", "99", "9223372036854775808", "99999999999999999999999", "%00", "%ff", "1%2f2", "'--"} {
		t.Run("id "+id, func(t *testing.T) {
			refusal{method: "GET", path: "/order/" + id, status: 404}.check(t, s)
			refusal{method: "DELETE", path: "/order/" + id, status: 404}.check(t, s)
			refusal{method: "PUT", path: "/order/" + id, contentType: asJSON, body: good, status: 404}.check(t, s)
		})
	}
	for _, c := range []struct{ path, contentType, begin string }{
		{"/order/", asJSON, `{"shippingAddress": {"street": "`}, {"/order/", asForm, "customer="}, {"/order/item/", asForm, "name="}, {"/order/customer/", asJSON, `{"name": "`},
	} {
		for name, body := range map[string]io.Reader{"": strings.NewReader(c.begin + huge), "chunked ": io.MultiReader(strings.NewReader(c.begin + huge))} {
			t.Run("over 1 MiB "+name+c.contentType+" to "+c.path, func(t *testing.T) {
				before := s.state()
				r := httptest.NewRequest("POST", c.path, body)
				r.Header.Set("Content-Type", c.contentType)
				w := httptest.NewRecorder() // a real client may get its answer before it has sent everything
				s.handler.ServeHTTP(w, r)
				if w.Code != 413 || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("X-Instance") == "" || s.state() != before {
					t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
				}
			})
		}
	}
}

func TestUnsupportedMethods(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	const readOnly = "GET, HEAD"
	for path, allow := range map[string]string{
		"/order/": "GET, HEAD, POST", "/order/1": "DELETE, GET, HEAD, PUT", "/order/customer/": "GET, HEAD, POST", "/order/item/": "GET, HEAD, POST",
		"/order/form.html": "GET, HEAD, POST, PUT", "/order/feed": readOnly, "/feed": readOnly, "/order/feed/1": readOnly, "/order/style.css": readOnly, "/order/live.js": readOnly, "/order/form.js": readOnly,
		"/healthz": readOnly, "/readyz": readOnly, "/metrics": readOnly,
	} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
			if strings.Contains(allow, method) {
				continue
			}
			t.Run(method+" "+path, func(t *testing.T) {
				refusal{method: method, path: path, contentType: asJSON, body: "{}", status: http.StatusMethodNotAllowed}.check(t, s)
				got := strings.Split(s.do(method, path, "").header.Get("Allow"), ", ")
				got = slices.DeleteFunc(got, func(m string) bool { return m == "OPTIONS" })
				if slices.Sort(got); strings.Join(got, ", ") != allow {
					t.Errorf("Allow %q, want %q", got, allow)
				}
			})
		}
	}
	refusal{method: "POST", path: "/order/1", contentType: asForm, body: "_method=PATCH", status: 405}.check(t, s)
	refusal{method: "POST", path: "/order/1", contentType: asForm, body: "", status: 405}.check(t, s)
	refusal{method: "PUT", path: "/order/1", contentType: asForm, body: "_method=DELETE", status: 422, fields: []string{"customer", "orderLine",
		"shippingAddress.street", "shippingAddress.zip", "shippingAddress.city", "billingAddress.street", "billingAddress.zip", "billingAddress.city"}}.check(t, s)
}

func TestUnacceptableMediaTypes(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	for _, path := range []string{"/order/", "/order/1", "/order/feed", "/order/feed/1", "/feed", "/order/customer/", "/order/item/", "/order/form.html"} {
		for _, accept := range []string{"image/png", "text/csv, image/*", "text", "/", ";;;", "text/html;q=2", "*/*;q=0", "\xff\xfe", "*/plain", strings.Repeat("text/html,", 10_000)} {
			a := s.get(path, "Accept", accept)
			if a.status != 406 || a.header.Get("Content-Type") != "application/problem+json" || len(a.body) > 1000 {
				t.Errorf("GET %s as %.20q: %d %s", path, accept, a.status, a.body)
			}
			if h := s.do("HEAD", path, "", "Accept", accept); h.status != 406 || h.body != "" {
				t.Errorf("HEAD %s as %.20q: %d %q", path, accept, h.status, h.body)
			}
		}
	}
}

// Tests of reading a request: its Accept header, body, id and query.
package web

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"msatom/shared/list"
	"msatom/shared/problem"
)

// request returns the context of a request. header contains names and values in turn.
func request(method, target, body string, header ...string) echo.Context {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return echo.New().NewContext(r, httptest.NewRecorder())
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	const atom = "application/atom+xml"
	for _, c := range []struct {
		accept []string
		want   string // "" for 406
	}{
		{nil, HTML},
		{[]string{""}, HTML},
		{[]string{"*/*"}, HTML},
		{[]string{"text/html"}, HTML},
		{[]string{"TEXT/HTML"}, HTML},
		{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, HTML},
		{[]string{JSON}, JSON},
		{[]string{"application/json; charset=utf-8"}, JSON},
		{[]string{"application/json;charset=UTF-8;q=0.5, text/html;q=0.4"}, JSON},
		{[]string{"text/plain, application/json"}, JSON},
		{[]string{"text/plain", JSON}, JSON},
		{[]string{"application/json;q=0.1, text/html;q=0.2"}, HTML},
		{[]string{"text/html;q=0, */*"}, JSON},
		{[]string{"application/*"}, JSON},
		{[]string{"application/*;q=0.5, application/atom+xml"}, atom},
		{[]string{`application/atom+xml;type="feed"`}, atom},
		{[]string{"application/atom+xml;type=entry; q=0.1, application/json; q=0.2"}, JSON},
		{[]string{"text/html;level=1"}, ""},
		{[]string{"image/png"}, ""},
		{[]string{"*/*;q=0"}, ""},
		{[]string{"html"}, ""},
		{[]string{"text/html;q=high"}, ""},
		{[]string{"text/html, \x00"}, ""},
		{[]string{strings.Repeat("text/html,", 500)}, ""},
		{[]string{strings.Repeat(";charset=", 400)}, ""},
	} {
		ctx := request("GET", "/", "")
		ctx.Request().Header["Accept"] = c.accept
		got, err := Negotiate(ctx, HTML, JSON, atom)
		if got != c.want || (c.want == "") != (problem.As(err) != nil && problem.As(err).Status == 406) {
			t.Errorf("%.60q: %q %v, want %q", c.accept, got, err, c.want)
		}
	}
}

func TestBodyType(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		JSON: JSON, "Application/JSON; charset=utf-8": JSON, Form: Form, Form + ";charset=UTF-8": Form,
		"": "", "text/json": "", "application/json-patch+json": "", "application/x-www-form-urlencodedx": "", "multipart/form-data; boundary=x": "", "application/json; charset": "", "\xff": "",
	} {
		got, err := BodyType(request("POST", "/", "", "Content-Type", in))
		if got != want || (want == "") != (problem.As(err) != nil && problem.As(err).Status == 415) {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
	}
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{"name": "x", "inner": {"n": 1}, "more": []}`, 0, ""},
		{" null ", 0, ""},
		{"", 415, ""},
		{"{", 415, ""},
		{"{}{}", 415, ""},
		{"<x/>", 415, ""},
		{"\xef\xbb\xbf{}", 415, ""},
		{"{\"name\": \"a\x00\"}", 415, ""},
		{`{"name": 1}`, 422, "name"},
		{`{"inner": {"n": "1"}}`, 422, "inner.n"},
		{`{"inner": {"n": 1.5}}`, 422, "inner.n"},
		{`{"inner": {"n": 1e99}}`, 422, "inner.n"},
		{`"x"`, 422, "body"},
	} {
		var v struct {
			Name  string          `json:"name"`
			Inner struct{ N int } `json:"inner"`
		}
		err := ReadJSON(request("POST", "/", c.body), &v)
		p := problem.As(err)
		switch {
		case c.status == 0:
			if err != nil {
				t.Errorf("%q: %v", c.body, err)
			}
		case p == nil || p.Status != c.status || c.field != "" && !strings.EqualFold(p.Fields[0].Name, c.field):
			t.Errorf("%q: %v, want %d %s", c.body, err, c.status, c.field)
		}
	}
}

// PUT /thing/own reaches the handler of PUT /thing/:id, because /thing/own has no PUT of its own. The answer is 405 with the methods
// of /thing/own.
func TestID(t *testing.T) {
	t.Parallel()
	e, _ := thing()
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/thing/1", 200, ""},
		{"GET", "/thing/9223372036854775807", 200, ""},
		{"GET", "/thing/9223372036854775808", 404, ""},
		{"GET", "/thing/0", 404, ""},
		{"GET", "/thing/-1", 404, ""},
		{"GET", "/thing/007", 404, ""},
		{"GET", "/thing/+1", 404, ""},
		{"GET", "/thing/1%20", 404, ""},
		{"GET", "/thing/%D9%A1", 404, ""}, // a digit, but not ASCII
		{"GET", "/thing/1/2", 404, ""},
		{"GET", "/thing/abc", 404, ""},
		{"PUT", "/thing/abc", 404, ""},
		{"PUT", "/thing/own", 405, "OPTIONS, GET, HEAD"},
		{"GET", "/thing/post", 405, "OPTIONS, POST"},
		{"PATCH", "/thing/1", 405, "OPTIONS, GET, HEAD, PUT"},
	} {
		w := do(e, c.method, c.path, nil)
		got, want := strings.Split(w.Header().Get("Allow"), ", "), strings.Split(c.allow, ", ")
		slices.Sort(got)
		slices.Sort(want)
		if w.Code != c.status || !slices.Equal(got, want) {
			t.Errorf("%s %s: %d Allow %q, want %d %q", c.method, c.path, w.Code, got, c.status, want)
		}
	}
}

func TestPaged(t *testing.T) {
	t.Parallel()
	filter := list.Filter{Label: "Owner", Column: "owner", Named: "SELECT 1 WHERE ? = ''"}
	all := list.Offer{Amount: true, Filter: filter}
	for _, c := range []struct {
		query, mediaType string
		offer            list.Offer
		want             Paging
	}{
		{"", JSON, all, Paging{Part: list.Part{Limit: 50}, First: true, Newest: "/", Next: "/?before=7"}},
		{"limit=3", JSON, all, Paging{Part: list.Part{Limit: 3}, First: true, Newest: "/?limit=3", Next: "/?before=7&limit=3"}},
		{"before=9&name=a%26b%22%3E", JSON, all, Paging{Part: list.Part{Name: `a&b">`, Behind: list.Place{ID: 9}, Limit: 50}, Newest: "/?name=a%26b%22%3E", Next: "/?before=7&name=a%26b%22%3E"}},
		{"name=%00%ff", JSON, all, Paging{Part: list.Part{Limit: 50}, First: true, Newest: "/?name=%00%FF", Next: "/?before=7&name=%00%FF"}},
		{"name=a", JSON, list.Offer{}, Paging{Part: list.Part{Limit: 50}, First: true, Newest: "/?name=a", Next: "/?before=7&name=a"}},
		{"other=x&limit=1000", JSON, all, Paging{Part: list.Part{Limit: 1000}, First: true, Newest: "/?limit=1000", Next: "/?before=7&limit=1000"}},
		{"limit=1000", HTML, all, Paging{Part: list.Part{Limit: 100}, First: true, Newest: "/?limit=1000", Next: "/?before=7&limit=1000"}},
		{"sort=oldest", JSON, list.Offer{}, Paging{Part: list.Part{Sort: "oldest", Limit: 50}, First: true, Newest: "/?sort=oldest", Next: "/?after=7&sort=oldest"}},
		{"sort=oldest&before=3&after=9&name=", JSON, all, Paging{Part: list.Part{Sort: "oldest", Behind: list.Place{ID: 9}, Limit: 50}, Newest: "/?sort=oldest", Next: "/?after=7&sort=oldest"}},
		{"sort=highest&after=63.00-9", JSON, all, Paging{Part: list.Part{Sort: "highest", Behind: list.Place{ID: 9, Total: 6300}, Limit: 50}, Newest: "/?sort=highest", Next: "/?after=-1.00-7&sort=highest"}},
		{"sort=lowest&after=-63-9", JSON, all, Paging{Part: list.Part{Sort: "lowest", Behind: list.Place{ID: 9, Total: -6300}, Limit: 50}, Newest: "/?sort=lowest", Next: "/?after=-1.00-7&sort=lowest"}},
	} {
		ctx := request("GET", "/?"+c.query, "")
		ctx.SetPath("/")
		got, err := Paged(ctx, c.mediaType, c.offer)
		got.More(ctx, list.Place{ID: 7, Total: -100})
		got.c = nil
		c.want.Offer, c.want.Filter, c.want.Home = c.offer, c.offer.Filter, "/"
		if err != nil || got != c.want {
			t.Errorf("%q: %+v %v, want %+v", c.query, got, err, c.want)
		}
		if link := ctx.Response().Header().Get("Link"); link != "<"+c.want.Next+`>; rel="next"` {
			t.Errorf("%q: Link %s", c.query, link)
		}
	}
	for _, sort := range []string{"best", "highest", "Oldest"} {
		if _, err := Paged(request("GET", "/?sort="+sort, ""), JSON, list.Offer{Filter: filter}); problem.As(err) == nil || problem.As(err).Status != 422 {
			t.Errorf("sort %s: %v", sort, err)
		}
	}
	for _, bad := range []string{"9", "-9", "x-9", "63.001-9", "63.00-", "63.00-0", "63.00-x", "63.00-9223372036854775808", "63.00,9", "-"} {
		_, err := Paged(request("GET", "/?sort=highest&"+url.Values{"after": {bad}}.Encode(), ""), JSON, all)
		if p := problem.As(err); p == nil || p.Status != 422 || p.Fields[0].Name != "after" {
			t.Errorf("after %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"0", "-1", "1001", "x", "1.5", "9223372036854775808", "\x00", "１"} {
		_, err := Paged(request("GET", "/?"+url.Values{"limit": {bad}}.Encode(), ""), JSON, list.Offer{})
		if p := problem.As(err); p == nil || p.Status != 422 || p.Fields[0].Name != "limit" {
			t.Errorf("limit %q: %v", bad, err)
		}
	}
}

func TestFormOverridesMethod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, contentType, body string
		want                      string
	}{
		{"POST", Form, "_method=PUT", "PUT"},
		{"POST", Form + "; charset=UTF-8", "_method=DELETE", "DELETE"},
		{"POST", Form, "_method=GET", "POST"},
		{"POST", Form, "_method=put", "POST"},
		{"POST", Form, "", "POST"},
		{"POST", "text/plain", "_method=PUT", "POST"},
		{"PUT", Form, "_method=DELETE", "PUT"},
		{"GET", Form, "_method=DELETE", "GET"},
	} {
		ctx := request(c.method, "/?_method=DELETE", c.body, "Content-Type", c.contentType, "X-HTTP-Method-Override", "DELETE")
		err := parseForm()(func(echo.Context) error { return nil })(ctx)
		if got := ctx.Request().Method; err != nil || got != c.want {
			t.Errorf("%s %s %q: %s %v, want %s", c.method, c.contentType, c.body, got, err, c.want)
		}
	}
}

// The list of orders: paging, filter, representations and conditional requests.
package main

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed/atom"
)

// feed reads the recent document with gofeed.
func (s *shop) feed(header ...string) *atom.Feed {
	s.t.Helper()
	a := s.get("/order/feed", append([]string{"Accept", reader}, header...)...)
	f, err := (&atom.Parser{}).Parse(strings.NewReader(a.body))
	if err != nil || a.status != 200 || f.UpdatedParsed == nil {
		s.t.Fatalf("%d, %v in\n%s", a.status, err, a.body)
	}
	return f
}

// ids returns the ids of all orders in a list, following its Link headers to the end.
func (s *shop) ids(path string) (ids []int64) {
	s.t.Helper()
	for pages := 0; path != ""; pages++ {
		if pages > 100 {
			s.t.Fatalf("%s does not end", path)
		}
		a := s.get(path)
		if a.status != 200 {
			s.t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		var list []Order
		s.decode(a, &list)
		for _, o := range list {
			ids = append(ids, o.ID)
		}
		path = ""
		if link := a.header.Get("Link"); link != "" {
			next, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			if !ok {
				s.t.Fatalf("Link: %s", link)
			}
			path = next
		}
	}
	return ids
}

// customer adds a customer and returns its id.
func (s *shop) customer(firstname, name string) int64 {
	s.t.Helper()
	a := s.json("POST", "/order/customer/", text(Customer{Firstname: firstname, Name: name, Email: "a@example.com"}))
	var c Customer
	if s.decode(a, &c); a.status != 201 || c.ID == 0 {
		s.t.Fatalf("customer %s %s: %d %s", firstname, name, a.status, a.body)
	}
	return c.ID
}

func (s *shop) placeFor(customer int64) int64 {
	s.t.Helper()
	o := asked(1, 1)
	o["customer"] = customer
	return s.order(s.json("POST", "/order/", text(o)), 201).ID
}

func TestListIsPagedToItsEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	if ids := s.ids("/order/"); len(ids) != 0 || s.get("/order/").body != "[]\n" {
		t.Errorf("an empty list has %v: %s", ids, s.get("/order/").body)
	}
	var all, ofJohnson []int64
	for i := range 25 {
		id := s.placeFor(int64(i%2 + 1))
		all = append(all, id)
		if i%2 == 1 {
			ofJohnson = append(ofJohnson, id)
		}
	}
	slices.Reverse(all)
	slices.Reverse(ofJohnson)
	for path, want := range map[string][]int64{
		"/order/": all, "/order/?limit=1": all, "/order/?limit=5": all, "/order/?limit=7": all, "/order/?limit=1000": all,
		"/order/?limit=3&name=johnson": ofJohnson, "/order/?before=11": all[15:], "/order/?limit=2&before=3": all[23:], "/order/?before=1": nil,
	} {
		if got := s.ids(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	page := s.page("/order/?limit=5&name=wolff")
	if !strings.Contains(page, `rel="next" href="/order/?before=17&amp;limit=5&amp;name=wolff">Older</a>`) {
		t.Errorf("no link to the older orders in\n%s", page)
	}
	for _, bad := range []string{"limit=0", "limit=1001", "limit=x", "before=0", "before=-1", "before=9223372036854775808", "before=1.5"} {
		if a := s.get("/order/?" + bad); a.status != 422 || !strings.Contains(a.body, strings.Split(bad, "=")[0]) {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
}

// A list sorted by amount leaves out no order if the last order of a part changes before the next part
// is read, whatever its new total.
func TestListByAmountLeavesOutNoOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	for count := range 12 {
		s.order(s.json("POST", "/order/", text(asked(1, count+10))), 201)
	}
	for sort, want := range map[string][]int64{"highest": {8, 7, 6, 5, 4, 3, 2, 1, 9}, "lowest": {5, 6, 7, 8, 9, 10, 11, 12}} {
		first := s.get("/order/?limit=4&sort=" + sort)
		last := map[string]int64{"highest": 9, "lowest": 4}[sort]
		s.order(s.json("PUT", fmt.Sprintf("/order/%d", last), text(asked(1, 1))), 200)
		next := regexp.MustCompile(`<(.*)>; rel="next"`).FindStringSubmatch(first.header.Get("Link"))
		if next == nil {
			t.Fatalf("%s: no next part", sort)
		}
		if got := s.ids(next[1]); !slices.Equal(got, want) {
			t.Errorf("%s: after %s: %v, want %v", sort, next[1], got, want)
		}
		s.order(s.json("PUT", fmt.Sprintf("/order/%d", last), text(asked(1, int(last)+9))), 200)
	}
}

// Search text is matched literally: none of its characters is a pattern.
func TestFilterByName(t *testing.T) {
	t.Parallel()
	s := open(t)
	orders := map[string]int64{}
	for _, name := range []string{"100% sure", "under_score", `back\slash`, `O'Hara "the quote"`, "Größe", "underXscore"} {
		orders[name] = s.placeFor(s.customer("Test", name))
	}
	for _, c := range []struct {
		name string
		want []string
	}{
		{"%", []string{"100% sure"}},
		{"_", []string{"under_score"}},
		{`\`, []string{`back\slash`}},
		{"'", []string{`O'Hara "the quote"`}},
		{`"the`, []string{`O'Hara "the quote"`}},
		{"%%", nil},
		{`\%`, nil},
		{"UNDER", []string{"underXscore", "under_score"}},
		{"gröSSe", nil},
		{"GRÖß", []string{"Größe"}},
		{"test 100", []string{"100% sure"}},
		{"'; DROP TABLE orders; --", nil},
		{"@name ? $1", nil},
		{"\x00", []string{"underXscore", "Größe", `O'Hara "the quote"`, `back\slash`, "under_score", "100% sure"}},
		{"\xff", []string{"underXscore", "Größe", `O'Hara "the quote"`, `back\slash`, "under_score", "100% sure"}},
		{strings.Repeat("x", 10_000), nil},
	} {
		var want []int64
		for _, name := range c.want {
			want = append(want, orders[name])
		}
		path := "/order/?name=" + url.QueryEscape(c.name)
		if got := s.ids(path); !slices.Equal(got, want) {
			t.Errorf("%.40q: %v, want %v", c.name, got, want)
		}
		s.page(path)
	}
}

func TestRepresentationsOfTheList(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	for _, c := range []struct{ path, accept, contentType string }{
		{"/order/", "", "text/html; charset=utf-8"},
		{"/order/", "*/*", "text/html; charset=utf-8"},
		{"/order/", browser, "text/html; charset=utf-8"},
		{"/order/", program, "application/json"},
		{"/order/", "application/json; charset=utf-8", "application/json"},
		{"/order/", "text/html;q=0.5, application/json", "application/json"},
		{"/order/", reader, "application/atom+xml"},
		{"/order/", "application/atom+xml;type=feed", "application/atom+xml"},
		{"/order/feed", "*/*", "application/atom+xml"},
		{"/order/feed", browser, "text/html; charset=utf-8"},
		{"/order/feed", "application/rss+xml", "application/rss+xml"},
		{"/order/feed", "application/cloudevents-batch+json", "application/cloudevents-batch+json"},
		{"/order/feed", program, "application/json"},
		{"/order/1", "*/*", "application/json"},
		{"/order/1", "", "application/json"},
		{"/order/1", browser, "text/html; charset=UTF-8"},
		{"/order/customer/", browser, "text/html; charset=UTF-8"},
		{"/order/customer/", program, "application/json"},
		{"/order/item/", program, "application/json"},
		{"/order/form.html", browser, "text/html; charset=UTF-8"},
	} {
		a := s.get(c.path, "Accept", c.accept, "Accept-Encoding", "identity")
		if a.status != 200 || a.header.Get("Content-Type") != c.contentType {
			t.Errorf("GET %s as %q: %d %q, want %q", c.path, c.accept, a.status, a.header.Get("Content-Type"), c.contentType)
		}
		if vary := a.header.Get("Vary"); vary != "Accept" && vary != "Accept, Accept-Encoding" && vary != "Accept, Accept-Encoding, A-IM, Prefer" {
			t.Errorf("GET %s as %q: Vary %q", c.path, c.accept, vary)
		}
		h := s.do("HEAD", c.path, "", "Accept", c.accept)
		if h.status != 200 || h.body != "" || h.header.Get("Content-Type") != c.contentType || h.header.Get("ETag") != a.header.Get("ETag") {
			t.Errorf("HEAD %s as %q: %d %v %q", c.path, c.accept, h.status, h.header, h.body)
		}
	}
	if a := s.get("/order/", "Accept", reader); !strings.Contains(a.body, "<feed") || a.body != s.get("/order/feed", "Accept", reader).body {
		t.Error("the list as Atom is not the feed")
	}
}

// The ETag of an order changes with every change of the order.
func TestConditionalGetOfAnOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	path := fmt.Sprintf("/order/%d", s.place())
	tag := s.get(path).header.Get("ETag")
	if a := s.get(path, "If-None-Match", tag); a.status != 304 || a.body != "" {
		t.Errorf("unchanged: %d %q", a.status, a.body)
	}
	s.json("PUT", path, text(asked(2, 2)))
	if a := s.get(path, "If-None-Match", tag); a.status != 200 || s.order(a, 200).Lines[0].Count != 2 {
		t.Errorf("changed: %d %s", a.status, a.body)
	}
}

// A sorted list contains every order exactly once, including orders with equal totals.
func TestListIsSorted(t *testing.T) {
	t.Parallel()
	s := open(t)
	guest := s.customer("Rare", "Guest")
	prices := map[int64]int64{}
	for i := range 12 {
		o := asked(2, 1+i%5) // iPod touch: 21.00
		if i%3 == 0 {
			o["customer"] = guest
		}
		id := s.order(s.json("POST", "/order/", text(o)), 201).ID
		prices[id] = int64(1 + i%5)
	}
	s.order(s.json("PUT", "/order/3", text(asked(2, 9))), 200)
	prices[3] = 9
	var all []int64
	for id := range prices {
		all = append(all, id)
	}
	byAmount := func(a, b int64) int { return cmp.Or(cmp.Compare(prices[a], prices[b]), cmp.Compare(a, b)) }
	for sort, compare := range map[string]func(a, b int64) int{
		"":        func(a, b int64) int { return cmp.Compare(b, a) },
		"oldest":  cmp.Compare[int64],
		"lowest":  byAmount,
		"highest": func(a, b int64) int { return byAmount(b, a) },
	} {
		slices.SortFunc(all, compare)
		if got := s.ids("/order/?limit=5&sort=" + sort); !slices.Equal(got, all) {
			t.Errorf("%q: %v, want %v", sort, got, all)
		}
		of := slices.DeleteFunc(slices.Clone(all), func(id int64) bool { return (id-1)%3 != 0 || id == 3 })
		if got := s.ids("/order/?limit=2&name=guest&sort=" + sort); !slices.Equal(got, of) {
			t.Errorf("%q of one customer: %v, want %v", sort, got, of)
		}
	}
	page := s.page("/order/?sort=highest&name=o")
	for _, want := range []string{`aria-sort="descending"`, `href="/order/?name=o&amp;sort=lowest"`, `href="/order/?name=o"`, `<option value="highest" selected>`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if a := s.get("/order/?sort=best"); a.status != 422 {
		t.Errorf("sort=best: %d", a.status)
	}
}

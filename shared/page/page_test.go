package page

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"msatom/shared/money"
	"msatom/shared/problem"
)

func set(main string) *Set {
	return New("order", `one "<&`, fstest.MapFS{"pages/some.html": {Data: []byte(`{{define "main"}}` + main + `{{end}}`)}})
}

func TestRender(t *testing.T) {
	at := time.Date(2026, 11, 21, 10, 0, 0, 5, time.FixedZone("", 3600))
	for _, c := range []struct {
		main string
		data any
		want string
	}{
		{`<p>{{.Data}}</p>`, `<script>alert("1")</script>`, `<p>&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;</p>`},
		{`<p>{{money .Data}}</p>`, money.Amount(123456789), `<p>1,234,567.89</p>`},
		{`<p>{{iso .Data}}</p>`, at, `<p>2026-11-21T09:00:00Z</p>`},
		{`<p>{{clock .Data}}</p>`, at, `<p>21 Nov 2026, 09:00:00 UTC</p>`},
		{`<p>{{inc .Data}}</p>`, 1, `<p>2</p>`},
		{`<p>{{short .Data}}</p>`, 1234567 * time.Nanosecond, `<p>1ms</p>`},
		{`{{template "field" field "a.b" "Name" .Data nil}}`, `"x`, `<label for="a.b">Name</label><input id="a.b" name="a.b" value="&#34;x">`},
		{`{{template "field" field "a" "Name" "" .Data}}`, map[string]string{"a": "is <missing>"},
			`<p class="fault" id="a-fault">Name is &lt;missing&gt;</p>`},
		{`{{.Title}}`, nil, `<title>A &lt;title&gt; · msatom</title>`},
		{`{{.Title}}`, nil, `<a href="/order/" aria-current="true">Orders</a>`},
		{`{{.Title}}`, nil, `<b>one &#34;&lt;&amp;</b>`},
		{`{{.Title}}`, nil, `<link rel="stylesheet" href="/order/style.css?` + filesTag + `">`},
		{`{{.Title}}`, nil, `<script src="/order/live.js?` + filesTag + `" defer></script>`},
	} {
		got, err := set(c.main).Render("some", "A <title>", c.data)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %v\nno %s in\n%s", c.main, err, c.want, got)
		}
	}
}

func TestErrorPage(t *testing.T) {
	p := problem.Invalid(problem.Field{Name: "orderLine[0].count", Detail: "is <b>wrong</b>"})
	got, err := set("").Render("error", p.Title, p)
	if want := `<li><b>orderLine[0].count</b> is &lt;b&gt;wrong&lt;/b&gt;</li>`; err != nil || !strings.Contains(string(got), want) {
		t.Errorf("%v: no %s in\n%s", err, want, got)
	}
}

// Nothing is returned of a page that cannot be rendered whole.
func TestFailures(t *testing.T) {
	for name, main := range map[string]string{"some": `<p>{{.Data.Missing}}</p>`, "unknown": ``} {
		if got, err := set(main).Render(name, "x", struct{}{}); err == nil || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Every page leads to all services of the system, marks where it is, and names the feeds of its service.
func TestNavigation(t *testing.T) {
	three := []string{"order", "invoicing", "shipping"}
	for _, c := range []struct {
		service, page        string
		services             []string
		entries, here, feeds string
	}{
		{"order", "some", three, "Orders, Invoices, Shipments, Feed", `<a href="/order/" aria-current="true">Orders</a>`, "Orders /order/feed"},
		{"order", "feed", three, "Orders, Invoices, Shipments, Feed", `<a href="/order/feed" aria-current="true">Feed</a>`, "Orders /order/feed"},
		{"invoicing", "some", []string{"bonus", "order", "invoicing"}, "Orders, Bonus, Invoices, Feed", `<a href="/invoicing/" aria-current="true">Invoices</a>`, "Invoices /invoicing/feed, Orders /order/feed"},
		{"invoicing", "feed", three, "Orders, Invoices, Shipments, Feed", `<a href="/invoicing/" aria-current="true">Invoices</a>`, "Invoices /invoicing/feed, Orders /order/feed"},
		{"other", "some", three, "Orders, Invoices, Shipments, Other, Feed", `<a href="/other/" aria-current="true">Other</a>`, "Other /other/feed, Orders /order/feed"},
		{"other", "some", nil, "Orders, Other, Feed", `<a href="/other/" aria-current="true">Other</a>`, "Other /other/feed, Orders /order/feed"},
	} {
		files := fstest.MapFS{"pages/some.html": {Data: []byte(`{{define "main"}}{{end}}`)}, "pages/feed.html": {Data: []byte(`{{define "main"}}{{end}}`)}}
		got, err := New(c.service, "x", files).Among(c.services).Render(c.page, "x", map[string]any{})
		if err != nil || !strings.Contains(string(got), c.here) || strings.Count(string(got), "aria-current") != 1 {
			t.Errorf("%s of %s: %v\n%s is not the one that is marked in\n%s", c.page, c.service, err, c.here, got)
		}
		var feeds []string
		for _, m := range regexp.MustCompile(`<link rel="alternate" type="application/atom\+xml" title="(.*)" href="(.*)">`).FindAllStringSubmatch(string(got), -1) {
			feeds = append(feeds, m[1]+" "+m[2])
		}
		var entries []string
		for _, m := range regexp.MustCompile(`<a href="[^"#]*"(?: aria-current="true")?>(\w+)</a>`).FindAllStringSubmatch(string(got), -1) {
			entries = append(entries, m[1])
		}
		if strings.Join(entries, ", ") != c.entries {
			t.Errorf("%s of %s: leads to %q, want %s", c.page, c.service, entries, c.entries)
		}
		if strings.Join(feeds, ", ") != c.feeds {
			t.Errorf("%s of %s: feeds %q, want %s", c.page, c.service, feeds, c.feeds)
		}
	}
}

// The policy that goes with every page allows no script but the one, no style but the style sheet, and no other host: no page may need them.
func TestPagesKeepToThePolicy(t *testing.T) {
	files, err := filepath.Glob("../../*/pages/*.html")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v: only %q", err, files)
	}
	forbidden := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|<iframe|<base|\sstyle=|\son\w+=|javascript:|(href|src|action)="(https?:)?//|url\(|@import|innerHTML|\beval\b`)
	for _, file := range append(files, "layout.html", "feed.html", "style.css", "live.js") {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(string(b)); found != "" {
			t.Errorf("%s has %q", file, found)
		}
	}
}

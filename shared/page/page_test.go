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
	t.Parallel()
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
		{`{{template "field" field "a.b" "Name" .Data nil}}`, `"x`, `<label for="a.b">Name</label><input id="a.b" name="a.b" value="&#34;x">`},
		{`{{template "field" field "a" "Name" "" .Data}}`, map[string]string{"a": "is <missing>"},
			`<p class="fault" id="a-fault">Name is &lt;missing&gt;</p>`},
		{`{{.Title}}`, nil, `<title>A &lt;title&gt; · msatom</title>`},
		{`{{.Title}}`, nil, `<a href="/order/" aria-current="true">Order</a>`},
		{`{{.Title}}`, nil, `<b>one &#34;&lt;&amp;</b>`},
		{`{{.Title}}`, nil, `<link rel="stylesheet" href="/order/style.css?` + set("").filesTag + `">`},
		{`{{.Title}}`, nil, `<script src="/order/live.js?` + set("").filesTag + `" defer></script>`},
	} {
		got, err := set(c.main).Render("some", "A <title>", c.data)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %v\nno %s in\n%s", c.main, err, c.want, got)
		}
	}
}

// A page loads its own script, if it has one, after the script of all pages.
func TestScriptOfAPage(t *testing.T) {
	t.Parallel()
	pages := New("thing", "one", fstest.MapFS{
		"pages/some.html":  {Data: []byte(`{{define "main"}}{{end}}`)},
		"pages/some.js":    {Data: []byte(`"use strict";`)},
		"pages/other.html": {Data: []byte(`{{define "main"}}{{end}}`)},
	})
	if content := string(pages.Files()["some.js"]); content != `"use strict";` {
		t.Errorf("some.js contains %q", content)
	}
	for name, want := range map[string]bool{"some": true, "other": false} {
		got, err := pages.Render(name, "x", nil)
		if has := strings.Contains(string(got), `<script src="/thing/some.js?`+pages.filesTag+`" defer></script>`); err != nil || has != want {
			t.Errorf("%s loads some.js: %t, want %t; %v", name, has, want, err)
		}
	}
	if other := set("").filesTag; other == pages.filesTag {
		t.Error("the tag does not change with the scripts")
	}
}

func TestErrorPage(t *testing.T) {
	t.Parallel()
	p := problem.Invalid(problem.Field{Name: "orderLine[0].count", Detail: "is <b>wrong</b>"})
	got, err := set("").Render("error", p.Title, p)
	if want := `<li><b>orderLine[0].count</b> is &lt;b&gt;wrong&lt;/b&gt;</li>`; err != nil || !strings.Contains(string(got), want) {
		t.Errorf("%v: no %s in\n%s", err, want, got)
	}
}

// Only the page of a record that can still arrive says how it arrives.
func TestErrorPageOfAnAwaitedRecord(t *testing.T) {
	t.Parallel()
	const how = "<p>Poll now</p>"
	pages := New("thing", "one", fstest.MapFS{"pages/parts.html": {Data: []byte(`{{define "missing"}}` + how + `{{end}}`)}})
	for _, awaited := range []bool{true, false} {
		p := problem.NotFound("There is no thing 1.")
		p.Awaited = awaited
		got, err := pages.Render("error", p.Title, p)
		if err != nil || strings.Contains(string(got), how) != awaited {
			t.Errorf("awaited %t: %v\n%s", awaited, err, got)
		}
	}
}

// A page that fails halfway returns an error and no content.
func TestFailedPageReturnsNothing(t *testing.T) {
	t.Parallel()
	for name, main := range map[string]string{"some": `<p>{{.Data.Missing}}</p>`, "unknown": ``} {
		if got, err := set(main).Render(name, "x", struct{}{}); err == nil || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Every page links to all services of the system, marks the current one, and names the feeds of its service.
func TestNavigation(t *testing.T) {
	t.Parallel()
	three := []string{"order", "invoicing", "shipping"}
	for _, c := range []struct {
		service, page        string
		services             []string
		entries, here, feeds string
	}{
		{"order", "some", three, "Order, Invoicing, Shipping, Feed", `<a href="/order/" aria-current="true">Order</a>`, "Order /order/feed"},
		{"order", "feed", three, "Order, Invoicing, Shipping, Feed", `<a href="/order/feed" aria-current="true">Feed</a>`, "Order /order/feed"},
		{"invoicing", "some", []string{"bonus", "order", "invoicing"}, "Bonus, Order, Invoicing, Feed", `<a href="/invoicing/" aria-current="true">Invoicing</a>`, "Invoicing /invoicing/feed, Order /order/feed"},
		{"invoicing", "feed", three, "Order, Invoicing, Shipping, Feed", `<a href="/invoicing/" aria-current="true">Invoicing</a>`, "Invoicing /invoicing/feed, Order /order/feed"},
		{"other", "some", three, "Order, Invoicing, Shipping, Other, Feed", `<a href="/other/" aria-current="true">Other</a>`, "Other /other/feed, Order /order/feed"},
		{"other", "some", nil, "Order, Other, Feed", `<a href="/other/" aria-current="true">Other</a>`, "Other /other/feed, Order /order/feed"},
	} {
		files := fstest.MapFS{"pages/some.html": {Data: []byte(`{{define "main"}}{{end}}`)}, "pages/feed.html": {Data: []byte(`{{define "main"}}{{end}}`)}}
		got, err := New(c.service, "x", files).Among(c.services).Follows("order").Render(c.page, "x", map[string]any{})
		if err != nil || !strings.Contains(string(got), c.here) || strings.Count(string(got), "aria-current") != 1 {
			t.Errorf("%s of %s: %v\n%s is not marked as the current page in\n%s", c.page, c.service, err, c.here, got)
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
			t.Errorf("%s of %s: navigation %q, want %s", c.page, c.service, entries, c.entries)
		}
		if strings.Join(feeds, ", ") != c.feeds {
			t.Errorf("%s of %s: feeds %q, want %s", c.page, c.service, feeds, c.feeds)
		}
	}
}

// The Content-Security-Policy allows only the style sheet and the scripts of the service's own host, so pages need nothing else.
func TestPagesKeepToThePolicy(t *testing.T) {
	t.Parallel()
	files := []string{"layout.html", "error.html", "style.css", "live.js"}
	for _, pattern := range []string{"../../*/pages/*.html", "../../*/pages/*.js", "../*/pages/*.html"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	forbidden := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|<iframe|<base|\sstyle=|\son\w+=|javascript:|(href|src|action)="(https?:)?//|url\(|@import|innerHTML|\beval\b`)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(string(b)); found != "" {
			t.Errorf("%s contains %q", file, found)
		}
	}
}

// Package page renders the HTML of all services in one layout with one style sheet and one script, all embedded: no page asks another host.
package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"msatom/shared/money"
)

//go:embed layout.html
var layout string

// Style is the style sheet.
//
//go:embed style.css
var Style []byte

// Script is the one script: pages work without it.
//
//go:embed live.js
var Script []byte

// feedPage shows a document of a feed: the HTML dialect of package feed.
//
//go:embed feed.html
var feedPage string

// statePage shows the state of a consumer, of package pollweb.
//
//go:embed state.html
var statePage string

// cardPage is a consumer's part of the front page.
//
//go:embed card.html
var cardPage string

// Set is the templates of one service.
type Set struct {
	service, instance string
	services          []string // of the whole system
	tag               string
	pages             map[string]*template.Template
}

// View is what a template sees: the page's own data with what the layout needs.
type View struct {
	Title    string
	Service  string // names the paths of style sheet and script
	Instance string
	Tag      string // changes with style sheet and script, so that they can be cached for ever
	Entries  []Entry
	Feeds    []Entry // for feed readers, the page's own first
	Data     any
}

// Entry of the navigation, or a feed.
type Entry struct {
	Title, Path string
	Here        bool // the page belongs to it
}

var filesTag = fmt.Sprintf("%x", sha256.Sum256(append(Style, Script...)))[:12]

// Among tells the set which services the system has: every page leads to all of them. Without it they are the service itself
// and order.
func (s *Set) Among(services []string) *Set {
	s.services = services
	return s
}

// titles of services in the navigation. Any other is called by its name.
var titles = map[string]string{"order": "Orders", "invoicing": "Invoices", "shipping": "Shipments"}

// navigation is the services that each page leads to, each a folder of its addresses, and order's feed at the end.
func (s *Set) navigation(page string) (entries, feeds []Entry) {
	names := []string{"order"}
	for _, name := range append(slices.Clone(s.services), s.service) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		own := name == s.service && !(name == "order" && page == "feed")
		entries = append(entries, Entry{Title: cmp.Or(titles[name], Title(name)), Path: "/" + name + "/", Here: own})
		if name == s.service {
			last := entries[len(entries)-1]
			feeds = append(feeds, Entry{Title: last.Title, Path: last.Path + "feed"})
		}
	}
	if s.service != "order" {
		feeds = append(feeds, Entry{Title: "Orders", Path: "/order/feed"})
	}
	return append(entries, Entry{Title: "Feed", Path: "/order/feed", Here: s.service == "order" && page == "feed"}), feeds
}

// New parses the templates pages/*.html of a service's embedded files; each defines "main"; those in pages/parts.html are for all of
// them. It panics on a template that does not parse, as they are part of the program. The names feed, card, state and error are taken.
//
// A template can use the functions money (a money.Amount as 1,234.50), count (an int64 as 1,234), iso and clock (a time.Time, for
// <time datetime="{{iso .T}}">{{clock .T}}</time>), hour, short and brief (a time.Duration), title (a word with a capital) and inc.
func New(service, instance string, files fs.FS) *Set {
	base := template.Must(template.New("layout").Funcs(funcs).Parse(layout))
	s := &Set{service: service, instance: instance, pages: map[string]*template.Template{}}
	s.tag = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, instance, time.Now())))[:12]
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if path.Base(name) == "parts.html" {
			template.Must(base.ParseFS(files, name))
		}
	}
	for _, name := range names {
		t := template.Must(template.Must(base.Clone()).ParseFS(files, name))
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	s.pages["feed"] = template.Must(template.Must(base.Clone()).Parse(feedPage))
	s.pages["card"] = template.Must(template.Must(base.Clone()).Parse(cardPage))
	s.pages["state"] = template.Must(template.Must(base.Clone()).Parse(statePage))
	s.pages["error"] = template.Must(template.Must(base.Clone()).Parse(errorPage))
	return s
}

// Tag tells this process' pages from others' in entity tags: they name the instance, and another version looks different.
func (s *Set) Tag() string { return s.tag }

// Render writes a page; without a title, only its main part, to be put into another page. Nothing is returned of a page that
// cannot be rendered whole.
func (s *Set) Render(name, title string, data any) ([]byte, error) {
	t := s.pages[name]
	if t == nil {
		return nil, fmt.Errorf("page: no template %q", name)
	}
	var b bytes.Buffer
	v := View{Title: title, Service: s.service, Instance: s.instance, Tag: filesTag, Data: data}
	v.Entries, v.Feeds = s.navigation(name)
	part := "layout"
	if title == "" {
		part = "main"
	}
	if err := t.ExecuteTemplate(&b, part, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var funcs = template.FuncMap{
	"money": money.Amount.Grouped,
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"clock": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
	"short": func(d time.Duration) string { return d.Round(time.Millisecond).String() },
	"hour":  func(t time.Time) string { return t.UTC().Format("15:04:05 UTC") },
	"brief": Brief,
	"title": Title,
	"count": func(n int64) string { return strings.TrimSuffix(money.Amount(100*n).Grouped(), ".00") },
	// include is where the front door puts what a service answers (mod_include of Apache); the name of the service is part of an address.
	"include": func(service, path string) template.HTML {
		return template.HTML(fmt.Sprintf(`<!--#include virtual="/%s%s" onerror="/frame/down.html" -->`, url.PathEscape(service), path))
	},
	"inc":    func(i int) int { return i + 1 },
	"column": func(title, class string, by any) Column { return Column{title, class, by} },
	"field": func(name, label, value string, faults map[string]string) Field {
		return Field{name, label, value, faults[name]}
	},
}

// Title is a word at the beginning of a line.
func Title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// Brief is a duration with at most three digits, in the unit that fits it.
func Brief(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	case d < time.Minute:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.3g min", d.Minutes())
}

// Column is the heading of a column by which a list can be sorted. Templates make it by the function "column" and show it by the
// template "sorted".
type Column struct {
	Title, Class string
	By           any // a web.Column
}

// Field is a line of text in a form. Templates make it by the function "field" and show it by the template "field".
type Field struct{ Name, Label, Value, Fault string }

// errorPage shows a problem.Error.
const errorPage = `{{define "main"}}<h1>{{.Title}}</h1>
<p>{{with .Data.Detail}}{{.}}{{else}}This cannot be shown.{{end}}</p>
{{with .Data.Fields}}<div class="faults"><ul>{{range .}}<li><b>{{.Name}}</b> {{.Detail}}</li>{{end}}</ul></div>{{end}}
{{if and (eq .Data.Status 404) (ne .Service "order")}}<p>An order arrives here when this service reads the feed: every 30 seconds, or now.</p>
<form method="post" action="/{{.Service}}/poll"><button class="main">Poll now</button></form>{{end}}
<p><a href="/{{.Service}}/">Back to the list</a></p>{{end}}`

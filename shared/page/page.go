// Package page renders the HTML of all services in one layout with one style sheet, both embedded: no page asks another host.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
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

// feedPage shows a document of a feed: the HTML dialect of package feed.
//
//go:embed feed.html
var feedPage string

// Set is the templates of one service.
type Set struct {
	service, instance string
	tag               string
	pages             map[string]*template.Template
}

// View is what a template sees: the page's own data with what the layout needs.
type View struct {
	Title    string
	Service  string // marks the current entry of the navigation, and names the style sheet's path
	Instance string
	StyleTag string // changes with the style sheet, so that it can be cached for ever
	Data     any
}

var styleTag = fmt.Sprintf("%x", sha256.Sum256(Style))[:12]

// New parses the templates pages/*.html of a service's embedded files; each defines "main". It panics on a template that does not parse, as
// they are part of the program.
func New(service, instance string, files fs.FS) *Set {
	base := template.Must(template.New("layout").Funcs(funcs).Parse(layout))
	s := &Set{service: service, instance: instance, pages: map[string]*template.Template{}}
	s.tag = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, instance, time.Now())))[:12]
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		t := template.Must(template.Must(base.Clone()).ParseFS(files, name))
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	s.pages["feed"] = template.Must(template.Must(base.Clone()).Parse(feedPage))
	s.pages["error"] = template.Must(template.Must(base.Clone()).Parse(errorPage))
	return s
}

// Tag tells this process' pages from others' in entity tags: they name the instance, and another version looks different.
func (s *Set) Tag() string { return s.tag }

// Render writes a page. Nothing is returned of a page that cannot be rendered whole.
func (s *Set) Render(name, title string, data any) ([]byte, error) {
	t := s.pages[name]
	if t == nil {
		return nil, fmt.Errorf("page: no template %q", name)
	}
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, "layout", View{Title: title, Service: s.service, Instance: s.instance, StyleTag: styleTag, Data: data})
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var funcs = template.FuncMap{
	"money": money.Amount.Grouped,
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"clock": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
	"short": func(d time.Duration) string { return d.Round(time.Millisecond).String() },
	"inc":   func(i int) int { return i + 1 },
	"field": func(name, label, value string, faults map[string]string) Field {
		return Field{name, label, value, faults[name]}
	},
}

// Field is a line of text in a form. Templates make it by the function "field" and show it by the template "field".
type Field struct{ Name, Label, Value, Fault string }

// errorPage shows a problem.Error.
const errorPage = `{{define "main"}}<h1>{{.Title}}</h1>
<p>{{with .Data.Detail}}{{.}}{{else}}This cannot be shown.{{end}}</p>
{{with .Data.Fields}}<ul class="faults">{{range .}}<li><b>{{.Name}}</b> {{.Detail}}</li>{{end}}</ul>{{end}}
{{if and (eq .Data.Status 404) (ne .Service "order")}}<p>An order arrives here when this service reads the feed: every 30 seconds, or now.</p>
<form method="post" action="/{{.Service}}/poll"><button class="main">Poll now</button></form>{{end}}
<p><a href="/{{.Service}}/">Back to the list</a></p>{{end}}`

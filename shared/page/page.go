// Package page renders the HTML pages of all services in one layout. It owns the layout, the style sheet, the script that all
// pages share, and the error page. What a page shows belongs to the package that has the data, which passes its templates to
// New. All files are embedded, so pages load nothing from another host.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed layout.html
var layout string

//go:embed error.html
var errorPage string

//go:embed style.css
var style []byte

//go:embed live.js
var script []byte

// Set holds the templates of one service.
type Set struct {
	service, instance string
	services          []string          // of the system, in the order of the navigation
	publisher         string            // the service whose feed this one follows
	tag               string            // of this process, see Tag
	filesTag          string            // hash of files
	files             map[string][]byte // style sheet and scripts, by name
	pages             map[string]*template.Template
}

// View is what a template sees: the page's own data, and what the layout needs.
type View struct {
	Title    string
	Service  string // begins the paths of style sheet and scripts
	Script   string // file name of the page's own script, or ""
	Instance string
	Tag      string // changes with style sheet and scripts, so browsers may cache them forever
	Entries  []Entry
	Feeds    []Entry // for feed readers, the service's own first
	Data     any
}

// New parses the templates pages/*.html of embedded files: those of the service and of the packages it uses. Each file defines
// the template "main", except pages/parts.html, whose templates all pages can use. New panics if a template does not parse,
// because templates are part of the program. The name error is taken.
//
// A script pages/x.js is loaded by the page x only. Pages work without scripts.
//
// Besides the functions of html/template, templates can use those in functions. If parts.html defines "missing", the page of
// an error that is Awaited shows it.
func New(service, instance string, files ...fs.FS) *Set {
	base := template.Must(template.New("layout").Funcs(functions).Parse(layout))
	s := &Set{service: service, instance: instance, publisher: service, pages: map[string]*template.Template{}}
	s.tag = hash(fmt.Append(nil, instance, time.Now()))
	s.readFiles(files)
	for _, f := range files {
		if parts := glob(f, "pages/parts.html"); len(parts) > 0 {
			template.Must(base.ParseFS(f, parts...))
		}
	}
	for _, f := range files {
		for _, name := range glob(f, "pages/*.html") {
			s.pages[strings.TrimSuffix(path.Base(name), ".html")] = template.Must(template.Must(base.Clone()).ParseFS(f, name))
		}
	}
	s.pages["error"] = template.Must(template.Must(base.Clone()).Parse(errorPage))
	return s
}

// readFiles collects the style sheet, the script of all pages, and the scripts of single pages.
func (s *Set) readFiles(files []fs.FS) {
	s.files = map[string][]byte{"style.css": style, "live.js": script}
	for _, f := range files {
		for _, name := range glob(f, "pages/*.js") {
			content, err := fs.ReadFile(f, name)
			if err != nil {
				panic(err)
			}
			s.files[path.Base(name)] = content
		}
	}
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		all = append(all, s.files[name]...)
	}
	s.filesTag = hash(all)
}

func glob(f fs.FS, pattern string) []string {
	names, err := fs.Glob(f, pattern)
	if err != nil {
		panic(err)
	}
	return names
}

func hash(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b))[:12] }

// Files returns the style sheet and the scripts by their names. The layout loads them from /service/name.
func (s *Set) Files() map[string][]byte { return s.files }

// Tag returns a part for the ETags of pages. It differs between processes, because pages name their instance and another version may
// look different.
func (s *Set) Tag() string { return s.tag }

// Render returns a page, or without a title only its main part, for inclusion in another page. If a template fails, Render returns
// an error and no content.
func (s *Set) Render(name, title string, data any) ([]byte, error) {
	t := s.pages[name]
	if t == nil {
		return nil, fmt.Errorf("page: no template %q", name)
	}
	v := View{Title: title, Service: s.service, Instance: s.instance, Tag: s.filesTag, Data: data}
	if own := name + ".js"; s.files[own] != nil {
		v.Script = own
	}
	v.Entries, v.Feeds = s.navigation(name)
	part := "layout"
	if title == "" {
		part = "main"
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, part, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

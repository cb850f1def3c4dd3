package page

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"msatom/shared/money"
)

// functions are the functions that templates can use.
var functions = template.FuncMap{
	"money": money.Amount.Grouped,                                                                     // 1,234.50
	"count": func(n int64) string { return strings.TrimSuffix(money.Amount(100*n).Grouped(), ".00") }, // 1,234
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },                         // for <time datetime>
	"clock": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },           // 26 Nov 2026, 22:38:47 UTC
	"hour":  func(t time.Time) string { return t.UTC().Format("15:04:05 UTC") },                       // 22:38:47 UTC
	"brief": Brief,                                                                                    // 7.85 s
	"title": Title,                                                                                    // Word
	"inc":   func(i int) int { return i + 1 },                                                         // for numbers from 1
	// include makes Apache insert the response of a service here (mod_include).
	"include": func(service, path string) template.HTML {
		return template.HTML(fmt.Sprintf(`<!--#include virtual="/%s%s" onerror="/frame/down.html" -->`, url.PathEscape(service), path))
	},
	"column": func(title, class string, by Sorting) Column { return Column{title, class, by} },
	"field": func(name, label, value string, faults map[string]string) Field {
		return Field{name, label, value, faults[name]}
	},
}

// Title returns the word with a capital first letter. The word must not be empty.
func Title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// Brief returns a duration with at most three digits, in milliseconds, seconds or minutes.
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

// Column is the heading of a column that sorts a list. Templates make it with the function "column" and show it with the template
// "sorted".
type Column struct {
	Title, Class string
	By           Sorting
}

// Sorting is how a list is sorted by a column, and the link of the column's heading.
type Sorting struct {
	Href   string // sorts the list by the column, or reverses its direction
	Sorted string // for aria-sort: "descending", "ascending", or "" if the list is sorted by another column
}

// Field is a line of text in a form. Templates make it with the function "field" and show it with the template "field".
type Field struct{ Name, Label, Value, Fault string }

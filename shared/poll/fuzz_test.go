package poll

import (
	"net/url"
	"os"
	"strings"
	"testing"
)

// FuzzAtom and FuzzJSON: a document may hold anything. It is read or refused, and what is read keeps what the walk relies on.

func FuzzAtom(f *testing.F) {
	seed(f, "../../order/testdata/document.xml")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseAtom(strings.NewReader(text), address)
		if err != nil {
			return
		}
		absolute(t, d)
		for i, e := range d.entries {
			if e.ID == "" || i > 0 && e.Updated.Before(d.entries[i-1].Updated) {
				t.Errorf("entry %d is %+v", i, e)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	seed(f, "../../order/testdata/document.json")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseJSON(strings.NewReader(text), address)
		if err != nil {
			return
		}
		absolute(t, d)
		if d.epoch == "" {
			t.Error("no epoch")
		}
		for i, e := range d.entries {
			if e.Position != d.first()+int64(i) {
				t.Errorf("entry %d has the position %d after %d", i, e.Position, d.first())
			}
		}
	})
}

// address is where the documents are said to come from.
var address = &url.URL{Scheme: "http", Host: "order:8080", Path: "/order/feed"}

// seed begins with a real document.
func seed(f *testing.F, file string) {
	f.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
}

// absolute sees that every link can be checked for the host that it leads to.
func absolute(t *testing.T, d *document) {
	t.Helper()
	links := []string{d.json}
	for _, href := range d.links {
		links = append(links, href)
	}
	for _, href := range links {
		if u, err := url.Parse(href); href != "" && (err != nil || !u.IsAbs()) {
			t.Errorf("link %q: %v", href, err)
		}
	}
}

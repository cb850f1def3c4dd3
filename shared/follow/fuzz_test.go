package follow

import (
	"net/url"
	"os"
	"testing"
)

// FuzzAtom and FuzzJSON: a document may hold anything. It is read or refused, and what is read has what the walk relies on.

func FuzzAtom(f *testing.F) {
	seed(f, "../../order/testdata/document.xml")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parse(acceptAtom, address, []byte(text), 1000)
		if err != nil {
			return
		}
		checkLinks(t, d)
		for i, e := range d.Entries {
			if e.ID == "" || i > 0 && d.Foreign && e.Updated.Before(d.Entries[i-1].Updated) {
				t.Errorf("entry %d is %+v", i, e)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	seed(f, "../../order/testdata/document.json")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parse(acceptJSON, address, []byte(text), 1000)
		if err != nil {
			return
		}
		checkLinks(t, d)
		if d.Epoch == "" {
			t.Error("no epoch")
		}
		for i, e := range d.Entries {
			if e.Position != d.First()+int64(i) {
				t.Errorf("entry %d has the position %d after %d", i, e.Position, d.First())
			}
		}
	})
}

// address is where the documents come from.
var address = &url.URL{Scheme: "http", Host: "order:8080", Path: "/order/feed"}

// seed adds a real document.
func seed(f *testing.F, file string) {
	f.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
}

// checkLinks checks that the host of every link is known.
func checkLinks(t *testing.T, d *Document) {
	t.Helper()
	for _, href := range d.links {
		if u, err := url.Parse(href); href != "" && (err != nil || !u.IsAbs()) {
			t.Errorf("link %q: %v", href, err)
		}
	}
}

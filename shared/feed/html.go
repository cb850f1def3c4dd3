// HTML for a person who looks into the feed with a browser: a page of the site, whose links lead from document to document.

package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
)

// HTML is the dialect of browsers. Its template is page/feed.html.
var HTML = Dialect{Name: "html", Types: []string{htmlType}, Page: true, Write: writeHTML}

const htmlType = "text/html"

type htmlFeed struct {
	*Document
	First, Last int64
	Links       map[string]string // by rel
	Rows        []htmlRow
}

type htmlRow struct {
	Entry
	ID, Title, Summary, Address string
	JSON                        string // the snapshot, with room to break lines; "" where there is no room for it
}

// A page stays below 50 KB, so that it is there at once on any line. It shows at most so many entries, and what they hold while all of that
// stays within so many bytes. The other dialects have all of it.
const (
	maxRows = DocumentSize
	maxHeld = 18_000
)

func writeHTML(w io.Writer, d *Document) error {
	f := htmlFeed{Document: d, Links: map[string]string{}}
	f.First, f.Last = d.span()
	for _, l := range d.Links() {
		if l.Type == "" || l.Type == htmlType {
			f.Links[l.Rel] = l.Href
		}
	}
	entries := d.Entries
	if len(entries) > maxRows { // the recent document, joined by the one before it: that is the next page
		entries = entries[:maxRows]
		f.First = entries[maxRows-1].Position
		f.Links["prev-archive"] = d.address(d.Number - 1)
	}
	held := 0
	for _, e := range entries {
		row := htmlRow{Entry: e, ID: d.EntryID(e.Position)}
		row.Title, row.Summary, row.Address = d.About.Describe(e)
		var indented bytes.Buffer
		if err := json.Indent(&indented, e.Snapshot, "", " "); err != nil {
			return err
		}
		row.JSON = indented.String()
		if held += len(template.HTMLEscapeString(row.JSON + row.Summary + row.ID + row.ReplyTo)); held > maxHeld {
			row.JSON = ""
		}
		f.Rows = append(f.Rows, row)
	}
	title := fmt.Sprintf("Feed: document %d", d.Number)
	if d.Recent {
		title = "Feed: newest entries"
	}
	b, err := d.About.Pages.Render("feed", title, f)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

package feed

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"msatom/shared/outbox"
	"msatom/shared/page"
)

// This file writes the feed as a page of the site, with links from document to document.

// Page is the template of the HTML dialect, for page.New.
//
//go:embed pages/feed.html
var Page embed.FS

// HTML is the dialect of browsers. Its template is pages/feed.html.
var HTML = Dialect{Name: "html", Types: []string{htmlType}, Page: true, Write: writeHTML}

const htmlType = "text/html"

type htmlFeed struct {
	*Document
	First, Last int64
	Links       map[string]string // by rel
	Rows        []htmlRow
	IsShortened bool // some rows have no JSON
}

type htmlRow struct {
	outbox.Entry
	ID, Title, Summary, Address string
	JSON                        string // the snapshot, indented; "" if the page has no room for it
}

// A page stays below 50 KB, so that it loads quickly. The other dialects have everything.
const (
	maxRows      = DocumentSize // entries
	maxSnapshots = 18_000       // bytes of snapshots, those of the newest entries
)

func writeHTML(w io.Writer, d *Document) error {
	f := htmlFeed{Document: d, Links: map[string]string{}}
	f.First, f.Last = d.span()
	for _, l := range d.links() {
		if l.mediaType == "" || l.mediaType == htmlType {
			f.Links[l.rel] = l.href
		}
	}
	entries := d.Entries
	if len(entries) > maxRows { // the recent document with its predecessor, which is the next page
		entries = entries[:maxRows]
		f.First = entries[maxRows-1].Position
		f.Links["prev-archive"] = d.address(d.Number - 1)
	}
	size := 0
	for _, e := range entries {
		row := htmlRow{Entry: e, ID: d.id(e.Position)}
		row.Title, row.Summary, row.Address = d.About.Describe(e)
		var indented bytes.Buffer
		if err := json.Indent(&indented, e.Snapshot, "", " "); err != nil {
			return err
		}
		row.JSON = indented.String()
		if size += len(template.HTMLEscapeString(row.JSON + row.Summary + row.ID + row.ReplyTo)); size > maxSnapshots {
			row.JSON, f.IsShortened = "", true
		}
		f.Rows = append(f.Rows, row)
	}
	title := fmt.Sprintf("%s feed: document %d", page.Title(d.About.Name), d.Number)
	if d.Recent {
		title = fmt.Sprintf("%s feed: newest entries", page.Title(d.About.Name))
	}
	b, err := d.About.Pages.Render("feed", title, f)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

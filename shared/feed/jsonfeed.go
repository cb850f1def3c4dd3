package feed

import (
	"encoding/json"
	"io"
	"time"
)

// This file writes JSON Feed 1.1 (jsonfeed.org). What JSON Feed has no place for, such as the events, is in an extension
// object "_msatom" of the feed and of each item.

// JSON is the dialect of consumers that prefer JSON to Atom.
var JSON = Dialect{Name: "json", Types: []string{"application/json", "application/feed+json"}, Delta: true, Write: writeJSON}

// JSONFeed is a document in JSON. Producers and consumers share the type.
type JSONFeed struct {
	Version     string     `json:"version"`
	Title       string     `json:"title"`
	HomePageURL string     `json:"home_page_url"`
	FeedURL     string     `json:"feed_url"`
	NextURL     string     `json:"next_url,omitempty"` // the document with older entries, as prev-archive
	Description string     `json:"description,omitempty"`
	Authors     []Author   `json:"authors,omitempty"`
	Language    string     `json:"language,omitempty"`
	Log         JSONLog    `json:"_msatom"`
	Items       []JSONItem `json:"items"` // newest first
}

// Author names the publisher of a feed.
type Author struct {
	Name string `json:"name"`
}

// JSONLog describes the place of a document in its log.
type JSONLog struct {
	Epoch string            `json:"epoch"` // the id of the feed, as atom:id
	Head  int64             `json:"head"`  // the last position of the document
	Links map[string]string `json:"links"` // by rel
}

// JSONItem is an entry with its snapshot.
type JSONItem struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Title        string    `json:"title"`
	Text         string    `json:"content_text"`
	DateModified time.Time `json:"date_modified"`
	Tags         []string  `json:"tags,omitempty"`
	Event        JSONEvent `json:"_msatom"`
}

// JSONEvent is the event behind an item.
type JSONEvent struct {
	Position  int64           `json:"position"`
	Subject   int64           `json:"subject"`
	Kind      string          `json:"kind"`
	ReplyTo   string          `json:"replyTo,omitempty"`   // id of the entry in another feed that it answers
	Withdrawn []string        `json:"withdrawn,omitempty"` // ids of the entries that it withdraws
	Snapshot  json.RawMessage `json:"snapshot"`
}

func writeJSON(w io.Writer, d *Document) error {
	f := JSONFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: d.About.Title, Description: d.About.Subtitle,
		HomePageURL: d.Base + d.About.Home, Authors: []Author{{d.About.Author}}, Language: language,
		Log:   JSONLog{Epoch: d.About.ID(d.Head.Epoch), Links: map[string]string{}},
		Items: make([]JSONItem, 0, len(d.Entries)),
	}
	for _, l := range d.links() {
		if l.rel != "alternate" {
			f.Log.Links[l.rel] = l.href
		}
	}
	f.FeedURL, f.NextURL = f.Log.Links["self"], f.Log.Links["prev-archive"]
	_, f.Log.Head = d.span()
	for _, e := range d.Entries {
		title, summary, path := d.About.Describe(e)
		item := JSONItem{
			ID: d.id(e.Position), URL: d.Base + path, Title: title, Text: summary, DateModified: e.Updated, Tags: []string{e.Kind},
			Event: JSONEvent{Position: e.Position, Subject: e.Subject, Kind: e.Kind, ReplyTo: e.ReplyTo, Snapshot: e.Snapshot},
		}
		for _, p := range e.Withdrawn {
			item.Event.Withdrawn = append(item.Event.Withdrawn, d.id(p))
		}
		f.Items = append(f.Items, item)
	}
	return encodeJSON(w, f)
}

// encodeJSON leaves the snapshots as they are: by default, an Encoder would escape "<", ">" and "&" in them.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

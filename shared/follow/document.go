package follow

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/mmcdole/gofeed/atom"
)

// Document is what a follower reads of a feed document.
type Document struct {
	Epoch   string  // the feed's id, which identifies its log
	Entries []Entry // oldest first
	Foreign bool    // the entries carry no events, so they have no positions: see foreign.go

	links      map[string]string // absolute, by rel
	size       int               // bytes of the entries' content
	validators                   // of the recent document
}

// First returns the position of the first entry, 0 if there is none.
func (d *Document) First() int64 {
	if d.Foreign || len(d.Entries) == 0 {
		return 0
	}
	return d.Entries[0].Position
}

// Last returns the position of the last entry, 0 if there is none.
func (d *Document) Last() int64 {
	if d.Foreign || len(d.Entries) == 0 {
		return 0
	}
	return d.Entries[len(d.Entries)-1].Position
}

func (d *Document) contents() (contents []json.RawMessage) {
	for _, e := range d.Entries {
		contents = append(contents, e.Content)
	}
	return contents
}

// permanentAddress returns the address where the document's newest part will stay.
func (d *Document) permanentAddress() string { return cmp.Or(d.links["via"], d.links["self"]) }

// parse reads the document at base by its media type. Without a known one, it is taken for Atom. It may have most elements.
func parse(contentType string, base *url.URL, body []byte, most int) (d *Document, err error) {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	if mediaType == acceptJSON || mediaType == "application/feed+json" {
		if err = checkJSON(most, body); err == nil {
			d, err = parseJSON(body, base)
		}
	} else if err = checkXML(body, most); err == nil {
		if d, err = parseAtom(body, base); err == nil {
			err = checkJSON(most, d.contents()...)
		}
	}
	if err != nil {
		return nil, err
	}
	for rel, href := range d.links {
		if d.links[rel], err = absolute(base, href); err != nil {
			return nil, err
		}
	}
	if d.Foreign {
		d.standInPositions()
		return d, nil
	}
	return d, d.checkPositions()
}

// checkPositions finds a missing or repeated entry.
func (d *Document) checkPositions() error {
	for i, e := range d.Entries {
		d.size += len(e.Content)
		if want := d.First() + int64(i); e.Position != want || want < 1 {
			return fmt.Errorf("position %d stands where %d belongs: the document is not complete", e.Position, want)
		}
	}
	return nil
}

func absolute(base *url.URL, href string) (string, error) {
	u, err := base.Parse(href)
	if err != nil {
		return "", fmt.Errorf("link %q: %w", href, err)
	}
	return u.String(), nil
}

// parseAtom reads Atom (RFC 4287). An entry carries its event in an extension element:
//
//	<ev:event xmlns:ev="tag:msatom.example,2026:event" position="12" subject="7" kind="placed">{"id": 7, ...}</ev:event>
func parseAtom(body []byte, base *url.URL) (*Document, error) {
	f, err := (&atom.Parser{}).Parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("not an Atom document: %w", err)
	}
	if f.ID == "" {
		return nil, errors.New("the feed has no id")
	}
	d := &Document{Epoch: f.ID, links: map[string]string{}}
	for _, l := range f.Links {
		if l.Rel != "alternate" {
			d.links[l.Rel] = l.Href
		}
	}
	events := 0
	for _, e := range slices.Backward(f.Entries) {
		entry, err := parseEntry(e, base)
		if err != nil {
			return nil, err
		}
		if entry.Position > 0 {
			events++
		}
		d.Entries = append(d.Entries, entry)
	}
	if events > 0 && events < len(d.Entries) {
		return nil, fmt.Errorf("only %d of %d entries carry an event", events, len(d.Entries))
	}
	d.Foreign = events < len(d.Entries)
	return d, nil
}

// parseEntry reads an entry. One without an event has the position 0.
func parseEntry(e *atom.Entry, base *url.URL) (entry Entry, err error) {
	if e.ID == "" {
		return entry, errors.New("an entry has no id")
	}
	entry = Entry{ID: e.ID}
	if e.UpdatedParsed != nil {
		entry.Updated = e.UpdatedParsed.UTC()
	}
	if e.Content != nil && e.Content.Src != "" {
		if entry.Src, err = absolute(base, e.Content.Src); err != nil {
			return entry, err
		}
	}
	if replies := e.Extensions["thr"]["in-reply-to"]; len(replies) > 0 {
		entry.ReplyTo = replies[0].Attrs["ref"]
	}
	events := e.Extensions["ev"]["event"]
	if len(events) == 0 {
		if len(e.Categories) > 0 {
			entry.Kind = e.Categories[0].Term
		}
		return entry, nil
	}
	event := events[0]
	entry.Position, err = strconv.ParseInt(event.Attrs["position"], 10, 64)
	if err != nil || entry.Position < 1 {
		return entry, fmt.Errorf("position of %s is %q", e.ID, event.Attrs["position"])
	}
	if entry.Subject, err = strconv.ParseInt(event.Attrs["subject"], 10, 64); err != nil {
		return entry, fmt.Errorf("subject of %s: %w", e.ID, err)
	}
	entry.Kind, entry.Content = event.Attrs["kind"], json.RawMessage(event.Value)
	return entry, nil
}

// jsonFeed is JSON Feed 1.1 with the extension "_msatom", as far as a follower reads it.
type jsonFeed struct {
	Log struct {
		Epoch string            `json:"epoch"`
		Links map[string]string `json:"links"`
	} `json:"_msatom"`
	Items []struct {
		ID       string    `json:"id"`
		URL      string    `json:"url"`
		Modified time.Time `json:"date_modified"`
		Event    struct {
			Position int64           `json:"position"`
			Subject  int64           `json:"subject"`
			Kind     string          `json:"kind"`
			ReplyTo  string          `json:"replyTo"`
			Snapshot json.RawMessage `json:"snapshot"`
		} `json:"_msatom"`
	} `json:"items"`
}

func parseJSON(body []byte, base *url.URL) (*Document, error) {
	var f jsonFeed
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, fmt.Errorf("not a JSON document: %w", err)
	}
	if f.Log.Epoch == "" {
		return nil, errors.New("not a document of an event log: no epoch")
	}
	d := &Document{Epoch: f.Log.Epoch, links: f.Log.Links, Entries: make([]Entry, 0, len(f.Items))}
	for _, item := range slices.Backward(f.Items) {
		src, err := absolute(base, item.URL)
		if err != nil {
			return nil, err
		}
		d.Entries = append(d.Entries, Entry{
			ID: item.ID, Position: item.Event.Position, Subject: item.Event.Subject, Kind: item.Event.Kind,
			Updated: item.Modified.UTC(), Src: src, ReplyTo: item.Event.ReplyTo, Content: item.Event.Snapshot,
		})
	}
	return d, nil
}

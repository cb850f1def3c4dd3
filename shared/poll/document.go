// What a consumer reads of a document, from Atom by gofeed or from JSON.

package poll

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"

	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/mmcdole/gofeed/atom"

	"msatom/shared/feed"
)

type document struct {
	url        string
	epoch      string            // the feed's id
	links      map[string]string // absolute, by rel
	positioned bool              // its entries have positions
	entries    []Entry           // oldest first
	bytes      int               // of its JSON
	validators                   // of the recent document
}

func (d *document) first() int64 {
	if len(d.entries) == 0 {
		return 0
	}
	return d.entries[0].Position
}

// last is the position where a document of a log ends, 0 if there is none.
func (d *document) last() int64 {
	if !d.positioned || len(d.entries) == 0 {
		return 0
	}
	return d.entries[len(d.entries)-1].Position
}

// place is the address at which the document's newest part will stay.
func (d *document) place() string { return cmp.Or(d.links["via"], d.links["self"]) }

// join adds the document that follows, if it does follow.
func (d *document) join(next *document) bool {
	if next.epoch != d.epoch || next.first() != d.last()+1 {
		return false
	}
	d.entries, d.bytes, d.links, d.url = append(d.entries, next.entries...), d.bytes+next.bytes, next.links, next.url
	return true
}

// parseAtom reads a feed of any origin. Its entries have no positions; the time of their last change stands in for
// one, so that of two entries about one record the later wins.
func parseAtom(r io.Reader, base *url.URL) (*document, error) {
	f, err := (&atom.Parser{}).Parse(r)
	if err != nil {
		return nil, fmt.Errorf("not an Atom document: %w", err)
	}
	d := &document{url: base.String(), epoch: f.ID, links: map[string]string{}}
	for _, l := range f.Links {
		href, err := base.Parse(l.Href)
		if err != nil {
			return nil, fmt.Errorf("link %q: %w", l.Href, err)
		}
		if l.Rel == "alternate" && l.Type == "application/json" {
			d.json = href.String()
		} else {
			d.links[l.Rel] = href.String()
		}
	}
	for _, e := range f.Entries {
		if e.ID == "" {
			return nil, errors.New("an entry has no id")
		}
		entry := Entry{ID: e.ID, Epoch: f.ID}
		if e.UpdatedParsed != nil {
			entry.Updated = e.UpdatedParsed.UTC()
			entry.Position = entry.Updated.UnixMicro()
		}
		if len(e.Categories) > 0 {
			entry.Kind = e.Categories[0].Term
		}
		if e.Content != nil && e.Content.Src != "" {
			src, err := base.Parse(e.Content.Src)
			if err != nil {
				return nil, fmt.Errorf("content of %s: %w", e.ID, err)
			}
			entry.Src = src.String()
		}
		if replies := e.Extensions["thr"]["in-reply-to"]; len(replies) > 0 {
			entry.ReplyTo = replies[0].Attrs["ref"]
		}
		d.entries = append(d.entries, entry)
	}
	slices.SortStableFunc(d.entries, func(a, b Entry) int { return a.Updated.Compare(b.Updated) })
	return d, nil
}

// texts are used again, since who is far behind reads thousands: what is parsed is a copy.
var texts = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// parseJSON reads a document of package feed, and sees that no position is missing in it.
func parseJSON(r io.Reader, base *url.URL) (*document, error) {
	text := texts.Get().(*bytes.Buffer)
	defer texts.Put(text)
	text.Reset()
	if _, err := text.ReadFrom(r); err != nil {
		return nil, err
	}
	var f feed.JSONFeed
	if err := jsonv1.Unmarshal(text.Bytes(), &f); err != nil {
		return nil, fmt.Errorf("not a JSON document: %w", err)
	}
	if f.Log.Epoch == "" {
		return nil, errors.New("not a document of an event log: no epoch")
	}
	d := &document{url: base.String(), epoch: f.Log.Epoch, links: map[string]string{}, positioned: true, bytes: text.Len()}
	for rel, href := range f.Log.Links {
		u, err := base.Parse(href)
		if err != nil {
			return nil, fmt.Errorf("link %q: %w", href, err)
		}
		d.links[rel] = u.String()
	}
	for i, item := range slices.Backward(f.Items) {
		d.entries = append(d.entries, Entry{
			ID: item.ID, Epoch: f.Log.Epoch, Position: item.Event.Position, Subject: item.Event.Subject, Kind: item.Event.Kind,
			Updated: item.DateModified.UTC(), Src: item.URL, ReplyTo: item.Event.ReplyTo, Content: item.Event.Snapshot,
		})
		if want := f.Log.Head - int64(i); item.Event.Position != want {
			return nil, fmt.Errorf("position %d stands where %d belongs: the document is not whole", item.Event.Position, want)
		}
	}
	return d, nil
}

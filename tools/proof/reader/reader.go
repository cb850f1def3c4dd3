// Package reader follows a feed as docs/feed.md describes it, in JSON because that takes the fewest lines; the Atom feed says the
// same. It knows one address, that of the feed, and takes every other address from a link.
package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Entry is an entry of a feed with the event that it carries.
type Entry struct {
	ID      string    `json:"id"`
	Updated time.Time `json:"date_modified"`
	Event   `json:"_msatom"`
}

// Event says what has happened to an order.
type Event struct {
	Position int64           `json:"position"` // in the log: 1, 2, 3, ...
	Subject  int64           `json:"subject"`  // id of the order
	Kind     string          `json:"kind"`     // such as "placed"
	Snapshot json.RawMessage `json:"snapshot"` // the order after the event
}

// Feed reads one feed. URL is the address of its recent document.
type Feed struct {
	URL    string
	Client *http.Client

	etag, modified string // validators of the recent document as it was last read
}

// Newer returns the entries that are newer than the first known one, oldest first. It walks from the recent document towards
// older ones until known returns true, and returns nothing if the server answers that the recent document has not changed.
func (f *Feed) Newer(ctx context.Context, known func(Entry) bool) (newer []Entry, err error) {
	var header http.Header
	for address := f.URL; address != ""; {
		d, h, err := f.get(ctx, address)
		if err != nil || d == nil {
			return nil, err
		}
		if header == nil {
			header = h
		}
		address = d.Log.Links["prev-archive"]
		if i := slices.IndexFunc(d.Entries, known); i >= 0 {
			d.Entries, address = d.Entries[:i], ""
		}
		newer = append(newer, d.Entries...)
	}
	f.etag, f.modified = header.Get("ETag"), header.Get("Last-Modified")
	slices.Reverse(newer)
	return newer, nil
}

// Forget makes the next call of Newer read the feed unconditionally. Callers need it when they could not save what Newer returned.
func (f *Feed) Forget() { f.etag, f.modified = "", "" }

type document struct {
	Log struct {
		Links map[string]string `json:"links"` // rel: address
	} `json:"_msatom"`
	Entries []Entry `json:"items"` // newest first
}

// get reads a document. It returns nil if the document is the recent one and has not changed.
func (f *Feed) get(ctx context.Context, address string) (*document, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept", "application/json")
	if address == f.URL && f.etag != "" {
		r.Header.Set("If-None-Match", f.etag)
	}
	if address == f.URL && f.modified != "" {
		r.Header.Set("If-Modified-Since", f.modified)
	}
	res, err := f.Client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		d := &document{}
		return d, res.Header, json.NewDecoder(res.Body).Decode(d)
	case http.StatusNotModified:
		return nil, nil, nil
	}
	return nil, nil, fmt.Errorf("%s answered %s", address, res.Status)
}

// Package reader follows a feed in JSON as docs/feed.md tells it: by its links, knowing nothing of positions and addresses.
package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Item is an entry of a feed.
type Item struct {
	ID      string    `json:"id"`
	Updated time.Time `json:"date_modified"`
	Event   struct {
		Position int64           `json:"position"`
		Subject  int64           `json:"subject"`
		Kind     string          `json:"kind"`
		Snapshot json.RawMessage `json:"snapshot"`
	} `json:"_msatom"`
}

// Document is a part of a feed.
type Document struct {
	Log struct {
		Links map[string]string `json:"links"` // by rel
	} `json:"_msatom"`
	Items []Item `json:"items"` // newest first
}

// Feed is a reader of one feed. URL is the address of its recent document.
type Feed struct {
	URL    string
	Client *http.Client

	etag, modified string // of the recent document, as it was read last
}

// News returns the items that are newer than the first which known says is known, oldest first; none when the feed
// answers that it is as it was.
func (f *Feed) News(ctx context.Context, known func(Item) bool) (news []Item, err error) {
	recent, header, err := f.get(ctx, f.URL)
	for d := recent; err == nil && d != nil; {
		place := slices.IndexFunc(d.Items, known)
		if place >= 0 {
			news = append(news, d.Items[:place]...)
			break
		}
		news = append(news, d.Items...)
		older := d.Log.Links["prev-archive"]
		if older == "" {
			break
		}
		d, _, err = f.get(ctx, older)
	}
	if err != nil || recent == nil {
		return nil, err
	}
	f.etag, f.modified = header.Get("ETag"), header.Get("Last-Modified")
	slices.Reverse(news)
	return news, nil
}

// Forget makes the next News read the feed whatever it answered before: what it gave was not kept.
func (f *Feed) Forget() { f.etag, f.modified = "", "" }

// get reads a document; nil stands for a recent one that is as it was.
func (f *Feed) get(ctx context.Context, address string) (*Document, http.Header, error) {
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
	if res.StatusCode == http.StatusNotModified {
		return nil, res.Header, nil
	}
	if res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s answered %s", address, res.Status)
	}
	d := &Document{}
	if err := json.NewDecoder(res.Body).Decode(d); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", address, err)
	}
	return d, res.Header, nil
}

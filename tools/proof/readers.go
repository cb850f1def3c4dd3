package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"msatom/tools/proof/reader"
)

// Readers that are not part of the system read the feed during the trial: one follows its links, one polls it as http-feeds, and
// one keeps a hash of every archived document from the moment it is archived.

type readers struct {
	*trial
	feeds  string // address at which the feeds are read
	client *http.Client

	mu       sync.Mutex
	links    []string          // ids of the entries, in the order in which the first reader saw them
	events   []string          // ids of the entries, in the order in which the second reader saw them
	archived map[string]string // path and media type of a document: its hash
	complete int               // documents that were archived in every media type
}

func newReaders(t *trial, feeds string) *readers {
	return &readers{trial: t, feeds: feeds, archived: map[string]string{}, client: &http.Client{Timeout: 10 * time.Second}}
}

func (r *readers) run(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() { r.followLinks(ctx) })
	if len(r.subject.Archive) > 0 {
		reading.Go(func() { r.followEvents(ctx) })
		reading.Go(func() { r.followArchive(ctx) })
	}
}

// haveRead reports whether every reader has reached the end of a log with so many entries.
func (r *readers) haveRead(entries int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int64(len(r.links)) < entries {
		return false
	}
	return len(r.subject.Archive) == 0 || int64(len(r.events)) >= entries && int64(r.complete) >= (entries-1)/100
}

func (r *readers) followLinks(ctx context.Context) {
	feed, last := reader.Feed{URL: r.feeds + "/order/feed", Client: r.client}, ""
	for ; ctx.Err() == nil; wait(ctx, 100*time.Millisecond) {
		entries, err := feed.Newer(ctx, func(e reader.Entry) bool { return e.ID == last })
		if err != nil {
			continue
		}
		r.mu.Lock()
		for _, e := range entries {
			r.links, last = append(r.links, e.ID), e.ID
		}
		r.mu.Unlock()
	}
}

func (r *readers) followEvents(ctx context.Context) {
	last := ""
	for ctx.Err() == nil {
		var events []struct{ ID string }
		a, err := r.get(ctx, r.feeds+"/order/feed?timeout=1000&lastEventId="+url.QueryEscape(last), "application/cloudevents-batch+json")
		if err != nil || json.Unmarshal(a.body, &events) != nil {
			wait(ctx, 100*time.Millisecond)
			continue
		}
		r.mu.Lock()
		for _, e := range events {
			r.events, last = append(r.events, e.ID), e.ID
		}
		r.mu.Unlock()
	}
}

func (r *readers) followArchive(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		for _, mediaType := range r.subject.Archive {
			document := fmt.Sprintf("/order/feed/%d %s", n, mediaType)
			for ctx.Err() == nil {
				hash, immutable, err := r.hash(ctx, r.system.URL(), document)
				if err == nil && immutable {
					r.mu.Lock()
					r.archived[document] = hash
					r.mu.Unlock()
					break
				}
				wait(ctx, 200*time.Millisecond)
			}
		}
		if ctx.Err() == nil {
			r.mu.Lock()
			r.complete = n
			r.mu.Unlock()
		}
	}
}

// changedArchives reads all archived documents again and returns those that have changed. It reads them from the instances of
// order in turn, because Apache's cache would hide a change.
func (r *readers) changedArchives(ctx context.Context) (changed []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	instances := r.system.Instances("order")[:r.subject.Instances["order"]]
	for i, document := range slices.Sorted(maps.Keys(r.archived)) {
		var hash string
		if err := retry(ctx, func() (err error) {
			hash, _, err = r.hash(ctx, instances[i%len(instances)].URL(), document)
			return err
		}); err != nil {
			return nil, err
		}
		if hash != r.archived[document] {
			changed = append(changed, document)
		}
	}
	return changed, nil
}

// hash reads a document, given by path and media type, and reports whether it is archived.
func (r *readers) hash(ctx context.Context, base, document string) (hash string, immutable bool, err error) {
	path, mediaType, _ := strings.Cut(document, " ")
	a, err := r.get(ctx, base+path, mediaType)
	if err != nil {
		return "", false, err
	}
	return fmt.Sprintf("%x", sha256.Sum256(a.body)), strings.Contains(a.header.Get("Cache-Control"), "immutable"), nil
}

func (r *readers) get(ctx context.Context, address, mediaType string) (answer, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	q.Header.Set("Accept", mediaType)
	q.Header.Set("X-Public-URL", r.feeds) // as Apache sets it; requests that bypass Apache need the same links
	a, err := send(r.client, q)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%s answered %d", address, a.status)
	}
	return a, err
}

package proof

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"msatom/e2e/proof/reader"
)

// While the writers write, strangers read: one follows the links of the feed, one speaks http-feeds, and one keeps every archived
// document as it was when it was archived.

type readers struct {
	*trial
	feeds  string // address at which feeds are read
	client *http.Client

	mu       sync.Mutex
	links    []string          // ids of the entries, in the order in which the first saw them
	events   []string          // and the second
	archived map[string]string // hash of each archived document, by its path and media type
	archives int               // documents
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
		reading.Go(func() { r.keepArchive(ctx) })
	}
}

// have reports whether the readers have come to the end of the log.
func (r *readers) have(entries int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	enough := int64(len(r.links)) >= entries
	if len(r.subject.Archive) > 0 {
		enough = enough && int64(len(r.events)) >= entries && int64(r.archives) >= (entries-1)/100
	}
	return enough
}

func (r *readers) followLinks(ctx context.Context) {
	feed, last := reader.Feed{URL: r.feeds + "/order/feed", Client: r.client}, ""
	for ctx.Err() == nil {
		news, err := feed.News(ctx, func(i reader.Item) bool { return i.ID == last })
		if err == nil {
			r.mu.Lock()
			for _, i := range news {
				r.links, last = append(r.links, i.ID), i.ID
			}
			r.mu.Unlock()
		}
		wait(ctx, 100*time.Millisecond)
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

// keepArchive remembers each document as soon as it is archived.
func (r *readers) keepArchive(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		for _, mediaType := range r.subject.Archive {
			key := fmt.Sprintf("/order/feed/%d %s", n, mediaType)
			for ctx.Err() == nil {
				hash, archived, err := r.document(ctx, r.system.URL(), key)
				if err == nil && archived {
					r.mu.Lock()
					r.archived[key] = hash
					r.mu.Unlock()
					break
				}
				wait(ctx, 200*time.Millisecond)
			}
		}
		if ctx.Err() == nil {
			r.mu.Lock()
			r.archives = n
			r.mu.Unlock()
		}
	}
}

// changedArchives reads all archived documents again, from order's instances in turn and not from Apache's cache, and names those that
// are not what they were.
func (r *readers) changedArchives(ctx context.Context) (changed []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	instances := r.system.Instances("order")[:r.subject.Instances["order"]]
	for i, key := range slices.Sorted(maps.Keys(r.archived)) {
		var now string
		if err := r.insist(ctx, func() (err error) {
			now, _, err = r.document(ctx, instances[i%len(instances)].URL(), key)
			return err
		}); err != nil {
			return nil, err
		}
		if now != r.archived[key] {
			changed = append(changed, key)
		}
	}
	return changed, nil
}

// document reads one, by path and media type, and reports whether it is archived.
func (r *readers) document(ctx context.Context, from, key string) (hash string, archived bool, err error) {
	path, mediaType, _ := strings.Cut(key, " ")
	a, err := r.get(ctx, from+path, mediaType)
	return fmt.Sprintf("%x", sha256.Sum256(a.body)), a.immutable, err
}

type documentAnswer struct {
	body      []byte
	immutable bool
}

func (r *readers) get(ctx context.Context, address, mediaType string) (a documentAnswer, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return a, err
	}
	q.Header.Set("Accept", mediaType)
	q.Header.Set("X-Public-URL", r.feeds) // as the front door sets it, for who does not come through it
	res, err := r.client.Do(q)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s answered %s", address, res.Status)
	}
	a.immutable = strings.Contains(res.Header.Get("Cache-Control"), "immutable")
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// This file renders documents and keeps them in memory, plain and compressed. An instance renders and compresses a document
// once, however many readers ask for it, even at the same moment.

// maxCache bounds the bytes in the cache, plain and compressed together.
const maxCache = 6 << 20

// readTimeout is how long the database may take to read a document.
const readTimeout = 10 * time.Second

// rendering is a document as it is sent.
type rendering struct {
	plain, gzipped []byte
	links          []string  // the header Link
	modified       time.Time // if the document is archived, when its successor began
}

func (r *rendering) size() int { return len(r.plain) + len(r.gzipped) }

// cache evicts the oldest renderings first. An eviction by use or frequency would be no better: readers want the newest
// document, and those that catch up read each of the others once.
type cache struct {
	flight singleflight.Group

	mu    sync.Mutex
	kept  map[string]*rendering
	byAge []string // keys of kept, the oldest first
	size  int
}

func newCache() *cache { return &cache{kept: map[string]*rendering{}} }

// get returns the rendering kept under key, or makes and keeps it. Concurrent callers share one call of make.
func (c *cache) get(key string, make func() (*rendering, error)) (*rendering, error) {
	v, err, _ := c.flight.Do(key, func() (any, error) {
		if r := c.peek(key); r != nil {
			return r, nil
		}
		r, err := make()
		if err == nil {
			c.keep(key, r)
		}
		return r, err
	})
	return v.(*rendering), err
}

func (c *cache) peek(key string) *rendering {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept[key]
}

func (c *cache) keep(key string, r *rendering) {
	if r.size() > maxCache/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[key] = r
	c.byAge = append(c.byAge, key)
	c.size += r.size()
	for c.size > maxCache {
		oldest := c.byAge[0]
		c.byAge = c.byAge[1:]
		c.size -= c.kept[oldest].size()
		delete(c.kept, oldest)
	}
}

// render returns the document with its entries, from the cache if it is there.
func (f *Feed) render(ctx context.Context, d *Document, form string, q query) (*rendering, error) {
	key := fmt.Sprint(d.Base, " ", q.mediaType, " ", d.etag(form), " ", d.After)
	return f.cache.get(key, func() (r *rendering, err error) {
		// Other readers may wait for the same document, so it must not fail because this one leaves.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		first, last := d.span()
		if d.Entries, err = f.log.Read(ctx, max(first, d.After+1), last); err != nil {
			return nil, err
		}
		r = &rendering{}
		if d.Archived() && !d.Batch {
			if r.modified, err = f.log.Time(ctx, last+1); err != nil {
				return nil, err
			}
		}
		for _, l := range d.links() {
			r.links = append(r.links, l.header())
		}
		var plain bytes.Buffer
		if err := q.dialect.Write(&plain, d); err != nil {
			return nil, err
		}
		r.plain, r.gzipped = bytes.Clone(plain.Bytes()), compress(plain.Bytes())
		return r, nil
	})
}

// compressors are reused, since making one costs more than compressing a document. They use the fastest level: every change
// makes a new recent document that readers wait for. It becomes a third larger, in a third of the time.
var compressors = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	_, _ = w.Write(plain) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// acceptsGzip reads Accept-Encoding, RFC 9110 section 12.5.3.
func acceptsGzip(r *http.Request) bool {
	accepted := false
	for _, element := range elements(r, "Accept-Encoding") {
		coding, parameters, _ := strings.Cut(element, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return !isZeroWeight(parameters)
		case "*":
			accepted = !isZeroWeight(parameters)
		}
	}
	return accepted
}

// isZeroWeight reports whether the parameters of a coding are a weight of zero, which refuses it.
func isZeroWeight(parameters string) bool {
	q, isWeight := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q=")
	return isWeight && strings.Trim(q, "0.") == ""
}

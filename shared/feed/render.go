// What was rendered is kept, plain and compressed, within a bound: a document is written and compressed once in an instance,
// however many ask for it, also at the same moment.

package feed

import (
	"bytes"
	"compress/gzip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"
)

// maxRendered bounds the bytes that are kept, plain and compressed together.
const maxRendered = 6 << 20

type rendering struct {
	plain, gzipped []byte
	links          []string // header Link
	modified       time.Time
}

func (r *rendering) size() int { return len(r.plain) + len(r.gzipped) }

type renderings struct {
	flight singleflight.Group

	mu    sync.Mutex
	kept  *simplelru.LRU[string, *rendering]
	bytes int
}

func newRenderings() *renderings {
	c := &renderings{}
	// The number of documents is no bound that matters; their bytes are.
	c.kept, _ = simplelru.NewLRU(1<<20, func(_ string, r *rendering) { c.bytes -= r.size() })
	return c
}

func (c *renderings) get(key string) (*rendering, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.Get(key)
}

// do returns what is kept under key, or renders and keeps it.
func (c *renderings) do(key string, render func(*rendering, *bytes.Buffer) error) (*rendering, error) {
	if r, ok := c.get(key); ok {
		return r, nil
	}
	v, err, _ := c.flight.Do(key, func() (any, error) {
		var plain bytes.Buffer
		r := &rendering{}
		if err := render(r, &plain); err != nil {
			return nil, err
		}
		r.plain, r.gzipped = plain.Bytes(), compress(plain.Bytes())
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.size() <= maxRendered/4 && !c.kept.Contains(key) {
			c.kept.Add(key, r)
			c.bytes += r.size()
		}
		for c.bytes > maxRendered {
			c.kept.RemoveOldest()
		}
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*rendering), nil
}

// compressors are used again: to make one costs more than to compress a document by it. They are of the fastest level: each order makes a
// recent document that readers wait for; it becomes a third larger, in a third of the time.
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
func acceptsGzip(header string) bool {
	accepted := false
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return !refused(parameters)
		case "*":
			accepted = !refused(parameters)
		}
	}
	return accepted
}

// refused says whether the parameters are a weight of zero.
func refused(parameters string) bool {
	q, isWeight := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q=")
	return isWeight && strings.Trim(q, "0.") == ""
}

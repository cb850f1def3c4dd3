package system

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// With FEED_MAX_AGE=1 the recent document is cached for a second: the service gets about one request per second, however many readers
// there are.
func TestRecentDocumentIsCachedForASecond(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	var version atomic.Int64
	order.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=1")
		w.Header().Set("Vary", "Accept, Accept-Encoding")
		w.Header().Set("Etag", fmt.Sprintf(`"%d"`, version.Load()))
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "version ", version.Load())
	})
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	for round := range 3 {
		version.Add(1)
		for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			got := ask(t, "GET", url+"/order/feed", "", "Accept", "a/b")
			if got.body == fmt.Sprint("version ", version.Load()) {
				break
			}
			if round == 0 || time.Since(began) > 30*time.Second {
				t.Fatalf("%q after %v, %v", got.body, time.Since(began), got.header)
			}
		}
		order.requests()
		began := time.Now()
		for range 100 {
			ask(t, "GET", url+"/order/feed", "", "Accept", "a/b")
		}
		// One when the copy expires, and perhaps another before the new one is stored.
		if n, most := len(order.requests()), 2*(2+int(time.Since(began)/time.Second)); n > most {
			t.Errorf("%d of 100 requests within %v reached the service", n, time.Since(began))
		}
	}
}

// A cached document keeps its body through hundreds of expiries, whether the service answers 200 or 304 when Apache revalidates it.
func TestExpiredDocumentKeepsItsBody(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	var revalidated atomic.Int64
	order.set(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			revalidated.Add(1)
		}
		// Every other second, the document is another one.
		tag := fmt.Sprintf(`"%s %d"`, r.Header.Get("Accept"), time.Now().Unix()/2)
		w.Header().Set("Cache-Control", "public, max-age=1")
		w.Header().Set("Vary", "Accept, Accept-Encoding")
		w.Header().Set("Etag", tag)
		w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 03:00:00 GMT")
		w.Header().Set("Content-Type", "text/plain")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, strings.Repeat(tag, 1000))
	})
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	var readers sync.WaitGroup
	for document := range 60 {
		for _, accept := range []string{"a/b", "c/d"} {
			readers.Go(func() {
				url := fmt.Sprint(url, "/order/feed/", document)
				for began := time.Now(); revalidated.Load() < 300 && !t.Failed(); {
					if time.Since(began) > time.Minute {
						t.Errorf("Apache revalidated %d documents in a minute, want 300", revalidated.Load())
					}
					got := ask(t, "GET", url, "", "Accept", accept)
					if tag := got.header.Get("Etag"); got.status != http.StatusOK || got.body != strings.Repeat(tag, 1000) || !strings.Contains(tag, accept) {
						t.Errorf("%d with %d bytes, %v", got.status, len(got.body), got.header)
					}
				}
			})
		}
	}
	readers.Wait()
}

// The cache holds 32 MiB, and a document of 4 MiB fits. It evicts documents above that, and stores no response to a query.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	order.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", "text/plain")
		size := 100 << 10
		if r.URL.Path == "/order/feed/0" {
			size = 4 << 20
		}
		w.Write(bytes.Repeat([]byte("x"), size))
	})
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	document := func(n int) string { return fmt.Sprint(url, "/order/feed/", n) }
	isCached := func(url string) bool {
		return ask(t, "GET", url, "", "Cache-Control", "only-if-cached").status == http.StatusOK
	}
	cached := func(first, last int) (n int) {
		for i := first; i <= last; i++ {
			if isCached(document(i)) {
				n++
			}
		}
		return n
	}
	// The folder of the cache may not exist yet.
	for began := time.Now(); !isCached(document(0)); ask(t, "GET", document(0), "") {
		if time.Since(began) > time.Minute {
			t.Fatal("a document of 4 MiB is not cached")
		}
	}
	const fit = 200 // and 20 MiB beside the first
	for i := 1; i <= fit; i++ {
		ask(t, "GET", document(i), "")
		ask(t, "GET", document(1)+"?q="+strconv.Itoa(i), "")
	}
	if n := cached(1, fit); n != fit {
		t.Errorf("%d of %d documents are cached", n, fit)
	}
	if isCached(document(1) + "?q=1") {
		t.Error("a response to a query is cached")
	}
	for i := fit; i <= 2*fit; i++ {
		ask(t, "GET", document(i), "")
	}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		n := cached(1, 2*fit)
		if n < 32<<20/(100<<10) {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("%d documents are cached", n)
		}
	}
}

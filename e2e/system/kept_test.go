package system

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// With FEED_MAX_AGE=1 the recent document is kept for a second: however many ask, the service is asked once, and a second
// later again.
func TestRecentDocumentIsKeptForASecond(t *testing.T) {
	order := newBackend(t, "order-1")
	var version atomic.Int64
	order.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=1")
		w.Header().Set("Vary", "Accept, Accept-Encoding")
		w.Header().Set("Etag", fmt.Sprintf(`"%d"`, version.Load()))
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "version ", version.Load())
	}
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
		// One when the copy has become old, and perhaps another before the new one is there.
		if n, most := len(order.requests()), 2*(2+int(time.Since(began)/time.Second)); n > most {
			t.Errorf("of 100 requests within %v %d reached the service", time.Since(began), n)
		}
	}
}

// What has become old is fetched anew, in whole. Asked by Apache whether it still holds, a service would answer that it does, by a
// 304, and from then on mod_cache_socache would give nothing but the head of what it has.
func TestKeptDocumentThatStillHolds(t *testing.T) {
	order := newBackend(t, "order-1")
	text := strings.Repeat("all of it ", 1000)
	order.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=1")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 03:00:00 GMT")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, text)
	}
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	for fetched, began := 0, time.Now(); fetched < 4; time.Sleep(10 * time.Millisecond) {
		if got := ask(t, "GET", url+"/order/feed", "", "Accept", "a/b"); got.status != http.StatusOK || got.body != text {
			t.Fatalf("%d with %d bytes, %v", got.status, len(got.body), got.header)
		}
		fetched += len(order.requests())
		if time.Since(began) > time.Minute {
			t.Fatal("it does not become old")
		}
	}
}

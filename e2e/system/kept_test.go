package system

import (
	"fmt"
	"net/http"
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

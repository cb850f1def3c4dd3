package feed

import (
	"net/http"
	"testing"
	"time"
)

// The consumers of the Java original know neither entity tags nor links. They send If-Modified-Since, and process the entries
// that are newer than the Last-Modified of the previous answer, in whole seconds. They process some entries twice and miss none,
// however many are published in the second of their request.
func TestTheOriginalsConsumerMissesNothing(t *testing.T) {
	l := open(t)
	taken := map[string]bool{}
	since, notModified := "", 0
	poll := func() {
		header := []string{}
		if since != "" {
			header = []string{"If-Modified-Since", since}
		}
		w := get(t, l, 0, header...)
		if w.Code == http.StatusNotModified {
			notModified++
			return
		}
		last, _ := http.ParseTime(since) // the zero time at first
		for _, e := range parse(t, w).Entries {
			if e.UpdatedParsed.After(last) {
				taken[e.ID] = true
			}
		}
		since = w.Header().Get("Last-Modified")
	}
	published, seconds := 0, map[time.Time]bool{}
	for len(seconds) < 4 {
		fill(t, l, 1)
		published++
		if published%3 == 0 {
			poll()
		}
		head, _ := l.Head()
		seconds[head.Updated] = true
	}
	until(t, "not modified, when its last second is over", func() bool { poll(); return notModified > 0 })
	if len(taken) != published {
		t.Errorf("%d entries of %d were taken", len(taken), published)
	}
}

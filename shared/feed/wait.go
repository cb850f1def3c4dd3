// Waiting instead of asking: "Prefer: wait=25" (RFC 7240 section 4.3) holds a conditional GET until there is something new or
// the time is up, and so does ?timeout=25000 in the http-feeds protocol. A reader that waits costs no query; all of an instance's are woken by one.

package feed

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"msatom/shared/hold"
)

// MaxWait is the longest that a request is held; who prefers to wait longer is answered after that.
const MaxWait = 50 * time.Second

// held is how many requests are held until there is news in a feed.
func held(feed string) *metrics.Gauge {
	return metrics.GetOrCreateGauge(fmt.Sprintf("msatom_feed_waiting{feed=%q}", feed), nil)
}

// wait holds a request that prefers it while its answer would be 304 or an empty batch, and brings the document up to date. It reports
// aside for one that is without its handler meanwhile (see package hold), and must not be answered now.
func (s *served) wait(w http.ResponseWriter, r *http.Request) (aside bool, err error) {
	waited := hold.Waited(r)
	if waited {
		w.Header().Set("Connection", "close") // thousands are answered at once: idle connections would keep 20 kB each
	}
	if s.d.Archived() {
		return false, nil
	}
	d := s.timeout
	if d == 0 {
		var ok bool
		if d, ok = preferredWait(r); !ok {
			return false, nil
		}
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(d/time.Second)))
	}
	if err := s.date(r); err != nil || waited || !s.unchanged(r) {
		return false, err
	}
	resume, aside := hold.Aside(w, r)
	if aside {
		s.log.await(s.d.Head, d, resume)
		return true, nil
	}
	woken, resume := context.WithCancel(r.Context())
	defer s.log.await(s.d.Head, d, resume)()
	<-woken.Done()
	if r.Context().Err() == nil && !s.log.isEnded() {
		s.d, err = s.ask()
	}
	return false, err
}

// waiter is a request that is held.
type waiter struct {
	resume func()
	up     *time.Timer
}

// await has resume called, once or more, when the head is no longer h, the time is up or Run has ended; forget ends that.
func (l *Log) await(h Head, d time.Duration, resume func()) (forget func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isEnded() || !l.head.is(h) {
		go resume()
		return func() {}
	}
	w := &waiter{resume: resume}
	forget = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if _, waits := l.waiters[w]; waits {
			delete(l.waiters, w)
			w.up.Stop()
			l.held.Dec()
		}
	}
	w.up = time.AfterFunc(d, func() {
		forget()
		resume()
	})
	l.waiters[w] = struct{}{}
	l.held.Inc()
	return forget
}

// wake lets all who wait go on. The caller holds the lock.
func (l *Log) wake() {
	woken := l.waiters
	l.waiters = map[*waiter]struct{}{}
	for w := range woken {
		w.up.Stop()
		l.held.Dec()
	}
	go func() {
		for w := range woken {
			w.resume()
		}
	}()
}

// unchanged says whether the reader has the document as it is now. Without a validator it has nothing. Of a batch it has what
// came before.
func (s *served) unchanged(r *http.Request) bool {
	if first, last := s.d.span(); s.d.Batch && first > last || s.same(r) {
		return true
	}
	if r.Header.Get("If-None-Match") == "" && (r.Header.Get("If-Modified-Since") == "" || !s.final) {
		return false
	}
	return !wanted(http.Header{"Etag": {s.etag()}}, r, s.modified)
}

func (l *Log) isEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// preferredWait reads the wait preference, of which the first counts (RFC 7240 section 2), in seconds from 1 to MaxWait.
func preferredWait(r *http.Request) (time.Duration, bool) {
	for _, header := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(header, ",") {
			token, _, _ := strings.Cut(preference, ";")
			name, value, _ := strings.Cut(token, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			return min(time.Duration(n)*time.Second, MaxWait), err == nil && n > 0
		}
	}
	return 0, false
}

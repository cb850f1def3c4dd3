// Waiting instead of asking: "Prefer: wait=25" (RFC 7240 section 4.3) holds a conditional GET until there is something new or
// the time is up, and so does ?timeout=25000 in the http-feeds protocol. A reader that waits costs no query; all of an instance's are woken by one.

package feed

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// MaxWait is the longest that a request is held; who prefers to wait longer is answered after that.
const MaxWait = 50 * time.Second

// held is how many requests are held until there is news in a feed.
func held(feed string) *metrics.Gauge {
	return metrics.GetOrCreateGauge(fmt.Sprintf("msatom_feed_waiting{feed=%q}", feed), nil)
}

// wait holds a request that prefers it while its answer would be 304 or an empty batch, and brings the document up to date.
func (s *served) wait(w http.ResponseWriter, r *http.Request) (err error) {
	if s.d.Archived() {
		return nil
	}
	d := s.timeout
	if d == 0 {
		var ok bool
		if d, ok = preferredWait(r); !ok {
			return nil
		}
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(d/time.Second)))
	}
	up := time.NewTimer(d)
	defer up.Stop()
	for expired := false; ; {
		if err := s.date(r); err != nil {
			return err
		}
		changed := s.log.change(s.d.Head)
		if !s.unchanged(r) {
			return nil
		}
		s.log.waiting.Add(1)
		s.log.held.Inc()
		select {
		case <-changed:
		case <-s.log.ended:
		case <-r.Context().Done():
		case <-up.C:
			expired = true
		}
		s.log.waiting.Add(-1)
		s.log.held.Dec()
		if r.Context().Err() != nil || s.log.isEnded() {
			return nil
		}
		if s.d, err = s.ask(); err != nil || expired {
			return err
		}
	}
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

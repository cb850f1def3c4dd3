package feed

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"msatom/shared/outbox"
)

// This file is about long polling: "Prefer: wait=25" (RFC 7240 section 4.3) delays the answer to a conditional GET until
// there is news or the time is up; ?timeout=25000 does the same in the http-feeds protocol. A waiting request is a goroutine and
// costs no query.

// MaxWait is the longest time that an answer is delayed; a longer preference is cut to it.
const MaxWait = 50 * time.Second

// await blocks until the head of the log moves, for at most d, and returns the new head. It reports false if the head has
// not moved: the time is up, the reader has left or the sequencer has stopped.
func (f *Feed) await(w http.ResponseWriter, r *http.Request, head outbox.Head, d time.Duration) (outbox.Head, bool) {
	// The server's read timeout would end the context of a request that waits longer.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	f.waiting.Add(1)
	defer f.waiting.Add(-1)
	ctx, cancel := context.WithTimeout(r.Context(), d)
	defer cancel()
	return f.log.Wait(ctx, head)
}

// preferredWait returns the wait preference of r, at most MaxWait, and reports whether there is a valid one. The
// first counts (RFC 7240 section 2).
func preferredWait(r *http.Request) (time.Duration, bool) {
	for _, preference := range elements(r, "Prefer") {
		token, _, _ := strings.Cut(preference, ";")
		name, value, _ := strings.Cut(token, "=")
		if strings.EqualFold(strings.TrimSpace(name), "wait") {
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			return min(time.Duration(n)*time.Second, MaxWait), err == nil && n > 0
		}
	}
	return 0, false
}

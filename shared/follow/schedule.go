// When a feed is polled: at the start, on a schedule, as soon as the feed has news if it can be waited for, and while polls fail,
// with exponential backoff and jitter.

package follow

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Run polls until ctx ends. A poll in flight is then cancelled and its transaction rolled back.
func (f *Follower) Run(ctx context.Context) {
	var news *Document
	for ctx.Err() == nil {
		f.plan(time.Time{}, false)
		_, err := f.poll(ctx, news, false)
		if news = nil; err == nil && f.cfg.Wait > 0 {
			var held bool
			f.plan(time.Time{}, true)
			if news, held, err = f.waitForNews(ctx); held {
				continue // also without news: dead letters may be due
			}
		}
		pause := f.pauseAfter(err)
		f.plan(time.Now().Add(pause).UTC(), false)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// waitForNews asks the feed to hold a request until it has news, and returns the recent document then (long polling), or nil if
// there was no news for Config.Wait. If the feed does not hold requests, so that the schedule must do, held is false. An error
// means that the publisher is away: asking again soon shows when it is back.
func (f *Follower) waitForNews(ctx context.Context) (recent *Document, held bool, err error) {
	if err := f.takeTurn(ctx); err != nil {
		return nil, false, err
	}
	known := f.known
	<-f.turn
	recent, held, err = f.client.document(ctx, request{address: f.cfg.FeedURL, known: known, wait: f.cfg.Wait})
	var status *StatusError
	if errors.As(err, &status) && !slices.Contains(gatewayErrors, status.Status) {
		err = nil
	}
	if err != nil || !held {
		return nil, false, err
	}
	return recent, true, nil
}

// gatewayErrors are the answers of a reverse proxy that reaches no instance of the publisher.
var gatewayErrors = []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// pauseAfter returns how long to wait for the next poll: until the schedule comes, but after failures at most 1, 2, 4, ... 30 seconds
// (4 for an optional feed), each up to a quarter more or less, so that instances do not come back in step. If the publisher has
// asked for a longer pause by Retry-After, it gets that.
func (f *Follower) pauseAfter(err error) time.Duration {
	var atLeast time.Duration
	var status *StatusError
	if errors.As(err, &status) {
		atLeast = status.RetryAfter
	}
	now := time.Now()
	scheduled := f.schedule.Next(now.Add(atLeast)).Sub(now)
	if err == nil {
		return scheduled
	}
	longest := 30 * time.Second
	if f.cfg.Optional {
		longest = 4 * time.Second
	}
	backoff := min(time.Second<<min(max(f.State().Failures-1, 0), 6), longest)
	backoff = time.Duration(float64(backoff) * (0.75 + rand.Float64()/2))
	return max(min(backoff, scheduled), atLeast)
}

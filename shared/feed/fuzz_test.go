package feed

import (
	"context"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"msatom/shared/problem"
)

// fuzzed returns a log with a full document and a begun one, for all inputs of a fuzz test.
func fuzzed(f *testing.F) *instance {
	l := open(f)
	fill(f, l, 101)
	return l
}

// check checks that an answer is valid HTTP.
func check(t *testing.T, w *httptest.ResponseRecorder, err error) {
	t.Helper()
	if err != nil {
		if p := problem.As(err); p == nil || !slices.Contains([]int{404, 410, 422}, p.Status) || len(p.Error()) > 300 {
			t.Errorf("%v", err)
		}
		if w.Body.Len() > 0 || w.Header().Get("ETag")+w.Header().Get("Link") != "" {
			t.Errorf("an error, and %v %s", w.Header(), w.Body)
		}
		return
	}
	if !slices.Contains([]int{200, 206, 304, 412, 416}, w.Code) || (w.Code == 304 || w.Code == 412) && w.Body.Len() > 0 || w.Code < 400 && w.Header().Get("ETag") == "" {
		t.Errorf("%d %v %.200s", w.Code, w.Header(), w.Body)
	}
}

// briefly is how long a request may wait in these tests.
const briefly = 20 * time.Millisecond

// over reports whether the time of a request is up: by the clock, since a connection may time out before its context does.
func over(ctx context.Context) bool {
	end, _ := ctx.Deadline()
	return !time.Now().Before(end)
}

// Every request gets an answer soon, whatever its conditional headers and preferences contain.
func FuzzConditions(f *testing.F) {
	l := fuzzed(f)
	f.Add(int64(0), `"x", W/"y"`, "Sun, 01 Mar 2026 12:00:00 GMT", `"x"`, "bytes=0-9", "wait=25", "gzip;q=0.5, *")
	f.Fuzz(func(t *testing.T, n int64, noneMatch, since, match, part, prefer, encoding string) {
		ctx, cancel := context.WithTimeout(t.Context(), briefly)
		defer cancel()
		r := httptest.NewRequest("GET", "http://thing.test/thing/feed", nil).WithContext(ctx)
		for name, value := range map[string]string{"If-None-Match": noneMatch, "If-Modified-Since": since, "If-Match": match, "If-Unmodified-Since": since,
			"Range": part, "If-Range": match, "Prefer": prefer, "Accept-Encoding": encoding} {
			r.Header.Set(name, value)
		}
		for _, d := range Dialects {
			w := httptest.NewRecorder()
			err := l.Serve(w, r, n, d.Types[0])
			if over(ctx) {
				return // it waited, or the machine was busy
			}
			check(t, w, err)
		}
	})
}

// Every query of http-feeds gets an answer, whatever it contains.
func FuzzEvents(f *testing.F) {
	l := fuzzed(f)
	head, _ := l.Head()
	first := l.EntryID(head.Epoch, 1)
	f.Add("", "", "")
	f.Add("", "5000", "wait=5")
	// The epoch differs from run to run, so inputs that begin with a slash get the current one.
	f.Fuzz(func(t *testing.T, id, timeout, prefer string) {
		if len(id) > 0 && id[0] == '/' {
			id = first[:len(first)-2] + id
		}
		ctx, cancel := context.WithTimeout(t.Context(), briefly)
		defer cancel()
		q := url.Values{"lastEventId": {id}, "timeout": {timeout}}
		r := httptest.NewRequest("GET", "http://thing.test/thing/feed?"+q.Encode(), nil).WithContext(ctx)
		r.Header.Set("Prefer", prefer)
		w := httptest.NewRecorder()
		err := l.serveEvents(w, r, CloudEvents.Types[0])
		if over(ctx) {
			return
		}
		check(t, w, err)
	})
}

// Every query string is either understood or refused.
func FuzzEventQuery(f *testing.F) {
	l := fuzzed(f)
	f.Add("lastEventId=null&timeout=1")
	f.Fuzz(func(t *testing.T, query string) {
		ctx, cancel := context.WithTimeout(t.Context(), briefly)
		defer cancel()
		r := httptest.NewRequest("GET", "http://thing.test/thing/feed", nil).WithContext(ctx)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		if err := l.serveEvents(w, r, CloudEvents.Types[0]); !over(ctx) {
			check(t, w, err)
		}
	})
}

// The http-feeds protocol (http-feeds.org): ?lastEventId= asks for the events after one, oldest first, in place of a document;
// ?timeout= says for how many milliseconds the answer may wait for the first. A reader that goes on with the id of the last
// event it was given, again and again, sees every event once.

package feed

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"msatom/shared/problem"
)

// AsksForEvents says whether the query is one of http-feeds.
func AsksForEvents(q url.Values) bool { return q.Has("lastEventId") || q.Has("timeout") }

// ServeEvents answers a GET or HEAD of events as CloudEvents under a media type. Its errors are like those of Serve; besides,
// a query that cannot be understood is 422, and the id of an event of another log 410.
func (l *Log) ServeEvents(w http.ResponseWriter, r *http.Request, mediaType string) error {
	var faults problem.Faults
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		faults.Add("query", "is not written as an address has to be")
	}
	timeout := eventTimeout(q.Get("timeout"), &faults)
	epoch, after := l.eventID(q.Get("lastEventId"), &faults)
	if err := faults.Err(); err != nil {
		return err
	}
	ask := func() (*Document, error) { return l.after(r, epoch, after) }
	return l.serve(w, r, CloudEvents, mediaType, &served{log: l, ask: ask, timeout: timeout})
}

// after is the batch of events after a position, without its entries. The epoch is empty for the very first.
func (l *Log) after(r *http.Request, epoch string, position int64) (*Document, error) {
	last := position + min(DocumentSize, math.MaxInt64-position) - 1
	head, err := l.latest(r, position, last)
	if err != nil {
		return nil, err
	}
	if epoch != "" && epoch != head.Epoch {
		return nil, problem.New(http.StatusGone, "This event is of a log that is no more. Start again from the beginning, without lastEventId.")
	}
	if position > head.Position {
		return nil, problem.Invalid(problem.Field{Name: "lastEventId", Detail: "is the id of an event that there is not yet"})
	}
	return &Document{Head: head, About: &l.About, Batch: true, After: position}, nil
}

// eventID reads the tag of an entry. A reader that has none yet leaves it out, or sends what its language makes of that.
func (l *Log) eventID(id string, faults *problem.Faults) (epoch string, position int64) {
	if id == "" || id == "null" {
		return "", 0
	}
	epoch, position, ok := l.PlaceOf(id)
	if !ok {
		faults.Add("lastEventId", "is not the id of an event of this feed")
	}
	return epoch, position
}

// PlaceOf reads the id of an entry of this feed, of whichever epoch. It reports false for anything else.
func (l *Log) PlaceOf(id string) (epoch string, position int64, ok bool) {
	specific, ours := strings.CutPrefix(id, Head{}.tag(l.Name, ""))
	epoch, digits, _ := strings.Cut(specific, "/")
	position, err := strconv.ParseInt(digits, 10, 64)
	ok = ours && len(epoch) == len("00000000-0000-0000-0000-000000000000") && err == nil && position > 0 && strconv.FormatInt(position, 10) == digits
	return epoch, position, ok
}

// eventTimeout reads milliseconds, at most MaxWait.
func eventTimeout(s string, faults *problem.Faults) time.Duration {
	if s == "" {
		return 0
	}
	ms, err := strconv.ParseUint(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		faults.Add("timeout", "is not a number of milliseconds")
	}
	return time.Duration(min(ms, uint64(MaxWait/time.Millisecond))) * time.Millisecond
}

package feed

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"msatom/shared/outbox"
	"msatom/shared/problem"
)

// This file is about the http-feeds protocol (http-feeds.org): ?lastEventId= asks for the events after one, oldest first, in
// place of a document; ?timeout= is how many milliseconds the answer may wait for the first. A reader that continues with the id
// of the last event it got sees every event once.

// asksForEvents reports whether q is a query of http-feeds.
func asksForEvents(q url.Values) bool { return q.Has("lastEventId") || q.Has("timeout") }

// serveEvents answers a GET or HEAD of events as CloudEvents, under a media type. Its errors are those of Serve; besides, a
// malformed query is 422, and the id of an event of another log 410.
func (f *Feed) serveEvents(w http.ResponseWriter, r *http.Request, mediaType string) error {
	var faults problem.Faults
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		faults.Add("query", "is malformed")
	}
	timeout := eventTimeout(values.Get("timeout"), &faults)
	epoch, position := f.lastEvent(values.Get("lastEventId"), &faults)
	if err := faults.Err(); err != nil {
		return err
	}
	wait, prefersWait := timeout, false
	if timeout == 0 {
		wait, prefersWait = preferredWait(r)
	}
	return f.serve(w, r, query{
		dialect: CloudEvents, mediaType: mediaType, wait: wait, prefersWait: prefersWait,
		first: position, last: position + min(DocumentSize, math.MaxInt64-position) - 1,
		document: func(head outbox.Head) (*Document, error) { return f.batch(r, head, epoch, position) },
	})
}

// batch returns the document with the events after a position, at a head, without its entries. An empty epoch stands for any
// log.
func (f *Feed) batch(r *http.Request, head outbox.Head, epoch string, position int64) (*Document, error) {
	if epoch != "" && epoch != head.Epoch {
		return nil, problem.New(http.StatusGone, "This event belongs to a log that no longer exists. Start again from the beginning, without lastEventId.")
	}
	if position > head.Position {
		return nil, problem.Invalid(problem.Field{Name: "lastEventId", Detail: "refers to an event that does not exist yet"})
	}
	return &Document{Head: head, About: &f.About, Base: Base(r), Batch: true, After: position}, nil
}

// isEmptyBatch reports whether the document is a batch without events.
func (d *Document) isEmptyBatch() bool {
	first, last := d.span()
	return d.Batch && first > last
}

// lastEvent parses lastEventId. A reader without an event leaves it out, or sends what its language makes of nothing.
func (f *Feed) lastEvent(id string, faults *problem.Faults) (epoch string, position int64) {
	if id == "" || id == "null" {
		return "", 0
	}
	epoch, position, ok := f.ParseEntryID(id)
	if !ok {
		faults.Add("lastEventId", "is not the id of an event of this feed")
	}
	return epoch, position
}

// eventTimeout parses a number of milliseconds; more than MaxWait is MaxWait.
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

// batchLinks returns the links of a batch: itself, and the events after it.
func (d *Document) batchLinks() []link {
	after := func(position int64) string {
		if position == 0 {
			return d.Base + d.About.Path
		}
		return d.Base + d.About.Path + "?lastEventId=" + url.QueryEscape(d.id(position))
	}
	links := []link{{"self", "", after(d.After)}}
	if first, last := d.span(); first <= last {
		links = append(links, link{"next", "", after(last)})
	}
	return links
}

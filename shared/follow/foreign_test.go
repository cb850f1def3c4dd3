package follow

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// original is a publisher like the Java original: one document with all records in any order, dates in whole seconds, no ETag, and
// records that are fetched one by one.
type original struct {
	*httptest.Server
	entries  []string
	records  map[string]string // by path; a deleted one is missing
	modified time.Time
	now      time.Time
	polled   int // with 200
}

func newOriginal(t testing.TB) *original {
	o := &original{records: map[string]string{}, modified: time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)}
	o.now = o.modified.Add(time.Minute)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", o.now.Format(http.TimeFormat))
		if r.URL.Path != "/feed" {
			if record, ok := o.records[r.URL.Path]; ok && r.Header.Get("Accept") == "application/json" {
				fmt.Fprint(w, record)
			} else {
				w.WriteHeader(http.StatusNotFound)
			}
			return
		}
		w.Header().Set("Last-Modified", o.modified.Format(http.TimeFormat))
		if r.Header.Get("If-Modified-Since") == o.modified.Format(http.TimeFormat) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		o.polled++
		w.Header().Set("Content-Type", "application/atom+xml;charset=UTF-8")
		fmt.Fprint(w, atomFeed("", o.entries...))
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *original) place(id int, updated, value string) {
	src := fmt.Sprintf("/order/%d", id)
	o.entries = append(o.entries, atomEntry(id, updated, src))
	if value != "" {
		o.records[src] = fmt.Sprintf(`{"id": %d, "value": %q, "updated": "2026-11-26T19:44:57.088+0000", "_links": {}}`, id, value)
	}
}

// The feed of the Java original is followed without loss: records of one second, behind one that cannot be fetched, and an older one
// that appears late.
func TestForeignFeed(t *testing.T) {
	t.Parallel()
	const second = "2026-01-01T10:00:00Z"
	o := newOriginal(t)
	o.place(9, second, "a")
	o.place(7, second, "") // deleted
	o.place(11, second, "a")
	o.entries = append(o.entries, atomEntry(13, second, "http://elsewhere.example/order/13"))
	db := consumerDB(t)
	c := follow(t, db, o.URL+"/feed")
	if r := c.poll(t); r != (Result{Saved: 2, DeadLetters: 2}) {
		t.Errorf("first: %+v", r)
	}
	if r := c.poll(t); r != (Result{NotModified: true}) {
		t.Errorf("nothing new: %+v", r)
	}
	o.modified = o.modified.Add(time.Hour)
	o.now = o.modified.Add(time.Minute)
	o.place(17, second, "a")
	o.place(15, "2026-01-01T09:00:00Z", "late")
	o.place(9, "2026-01-01T11:00:00Z", "changed")
	if r := c.poll(t); r != (Result{Saved: 3}) {
		t.Errorf("second: %+v", r)
	}
	o.records["/order/7"] = `{"id":7,"value":"b"}`
	c.now = c.now.Add(time.Hour)
	c.poll(t)
	if got, want := c.records(t), "7=b 9=changed 11=a 15=late 17=a"; got != want {
		t.Errorf("records %s, want %s", got, want)
	}
	if r := follow(t, db, o.URL+"/feed").poll(t); r.Saved+r.DeadLetters != 0 {
		t.Errorf("another instance: %+v", r)
	}
}

// A poll in the middle of a second must not send back its Last-Modified: records of the rest of the second would stay outside.
func TestForeignFeedPolledWithinItsSecond(t *testing.T) {
	t.Parallel()
	const second = "2026-01-01T10:00:00Z"
	o := newOriginal(t)
	o.now = o.modified
	o.place(7, second, "a")
	c := follow(t, consumerDB(t), o.URL+"/feed")
	c.poll(t)
	o.place(9, second, "a")
	o.now = o.modified.Add(5 * time.Second)
	c.poll(t)
	if got := c.records(t); got != "7=a 9=a" {
		t.Errorf("records %s", got)
	}
	if r := c.poll(t); !r.NotModified || o.polled != 2 {
		t.Errorf("later: %+v, %d full responses", r, o.polled)
	}
}

// A foreign feed that has archived documents is read from the oldest of them.
func TestForeignArchive(t *testing.T) {
	t.Parallel()
	documents := map[string]string{
		"/feed": atomFeed(`<link rel="prev-archive" href="/2"/>`, atomEntry(3, "2026-01-03T00:00:00Z", "/order/3")),
		"/2":    atomFeed(`<link rel="prev-archive" href="/1"/>`, atomEntry(2, "2026-01-02T00:00:00Z", "/order/2")),
		"/1":    atomFeed("", atomEntry(1, "2026-01-01T00:00:00Z", "/order/1")),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, ok := documents[r.URL.Path]; ok {
			text("application/atom+xml", d)(w, r)
			return
		}
		id := r.URL.Path[len("/order/"):]
		fmt.Fprintf(w, `{"id":%s,"value":"a"}`, id)
	}))
	defer server.Close()
	c := follow(t, consumerDB(t), server.URL+"/feed")
	if r := c.poll(t); r.Saved != 3 || c.records(t) != "1=a 2=a 3=a" {
		t.Errorf("%+v, records %s", r, c.records(t))
	}
}

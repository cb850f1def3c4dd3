// Package consumertest tries a consumer on a real database of its own, without a publisher: events are handed to it in any order,
// or read from a document that the publisher's test keeps. TestMain is that of pgtest:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package consumertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"msatom/shared/consumer"
	"msatom/shared/list"
	"msatom/shared/poll"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/service"
)

// Trial is a consumer with a database, which is empty at first.
type Trial struct {
	testing.TB
	DB     *gorm.DB
	handle poll.Handler
	pages  http.Handler
	feed   string
}

// New makes a trial, in which the instance is called by the service's name and -1, as in "invoicing-1".
func New[S any, R consumer.Recorder](t testing.TB, c consumer.Service[S, R]) *Trial {
	t.Helper()
	db := pgtest.Open(t, c.Migrations()...)
	s := &service.Service{Name: c.Name, DB: db}
	s.Instance = c.Name + "-1"
	if err := c.Wire(s, poll.Source{FeedURL: "http://127.0.0.1:1/feed", Schedule: "@every 1h"}); err != nil {
		t.Fatal(err)
	}
	return &Trial{TB: t, DB: db.DB, handle: c.Handler(c.Log(db, nil), s.Instance), pages: s.Handler, feed: c.Feed}
}

// Get asks the service for a path in a media type. What is not answered by 200 fails the test.
func (t *Trial) Get(path, mediaType string) (header http.Header, body string) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept", mediaType)
	w := httptest.NewRecorder()
	t.pages.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Header(), w.Body.String()
}

// Pages measures how long each of these pages takes. One that half of the time takes 100 ms fails, as does one of 50 KB.
func (t *Trial) Pages(b *testing.B, paths ...string) {
	for _, path := range paths {
		b.Run(strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "_"), func(b *testing.B) {
			var took []time.Duration
			size := 0
			for b.Loop() {
				begun := time.Now()
				_, body := t.Get(path, "text/html")
				took, size = append(took, time.Since(begun)), len(body)
			}
			slices.Sort(took)
			median := took[len(took)/2]
			b.ReportMetric(float64(size)/1000, "kB")
			if median > 100*time.Millisecond || size > 50_000 {
				b.Errorf("%v, %d bytes", median, size)
			}
		})
	}
}

// Event is an entry about the record with the id subject, published a number of seconds after 1 January 1970 that is its position.
func Event(log string, position, subject int64, content string) poll.Entry {
	return poll.Entry{ID: fmt.Sprintf("%s/%d", log, position), Epoch: log, Position: position, Subject: subject,
		Updated: time.Unix(position, 0), Content: json.RawMessage(content)}
}

// Apply hands entries to the consumer in one transaction, as the poller does. It returns for how many something was written.
func (t *Trial) Apply(entries ...poll.Entry) (written int, err error) {
	err = t.DB.Transaction(func(tx *gorm.DB) error {
		ids, err := t.handle(context.Background(), tx, entries)
		written = len(ids)
		return err
	})
	return written, err
}

// Read polls a feed whose only document, in JSON, is in the file of that name.
func (t *Trial) Read(name string) {
	t.Helper()
	document, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Accept"), "application/atom+xml") {
			fmt.Fprint(w, `<feed xmlns="http://www.w3.org/2005/Atom"><link rel="alternate" type="application/json" href="/feed"/></feed>`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// Its links lead where it was recorded; here nothing is to be followed.
		_, _ = w.Write([]byte(strings.ReplaceAll(string(document), "http://order:8080", "http://"+r.Host)))
	}))
	defer server.Close()
	p, err := poll.New(t.DB, poll.Config{Source: poll.Source{FeedURL: server.URL + "/feed", Schedule: "@every 1h"}, Feed: t.feed}, t.handle)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Golden compares what a list shows, as JSON, with a kept file. With UPDATE=1 in the environment it keeps what is there now.
func (t *Trial) Golden(name string, read func(db *gorm.DB, part list.Part) (any, int64, error)) {
	t.Helper()
	rows, _, err := read(t.DB, list.Part{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-kept +now):\n%s", name, diff)
	}
}

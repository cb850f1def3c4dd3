// Package consumertest tests a consumer on a real database of its own, without a publisher: events are handed to it in any order,
// or read from a document that the publisher's test keeps. TestMain is that of pgtest:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package consumertest

import (
	"bytes"
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
	"msatom/shared/follow"
	"msatom/shared/outbox"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/service"
)

// Trial is a consumer with a database, which is empty at first.
type Trial struct {
	testing.TB
	DB     *gorm.DB
	config follow.Config
	pages  http.Handler
}

// New returns a trial. The instance is named after the service: "invoicing-1".
func New[S any, R consumer.Recorder](t testing.TB, c consumer.Service[S, R]) *Trial {
	t.Helper()
	db := pgtest.Open(t, c.Migrations()...)
	s := &service.Service{Name: c.Name, DB: db}
	s.Instance = c.Name + "-1"
	settings := consumer.Settings{FeedURL: "http://127.0.0.1:1/feed", Schedule: "@every 1h"}
	if err := c.Wire(s, settings); err != nil {
		t.Fatal(err)
	}
	return &Trial{TB: t, DB: db.DB, config: c.FollowConfig(outbox.New(db), s.Instance, settings), pages: s.Handler}
}

// Get requests a path in a media type. A status other than 200 fails the test.
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

// Pages measures how long each page takes. A median of 100 ms fails, as does a page of 50 kB.
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

// Event is an entry about the record with the id subject, published position seconds after 1 January 1970.
func Event(log string, position, subject int64, content string) follow.Entry {
	return follow.Entry{ID: fmt.Sprintf("%s/%d", log, position), Log: log, Position: position, Subject: subject,
		Updated: time.Unix(position, 0), Content: json.RawMessage(content)}
}

// Apply saves and acknowledges entries in one transaction, as a follower does. It returns for how many something was written.
func (t *Trial) Apply(entries ...follow.Entry) (written int, err error) {
	err = t.DB.Transaction(func(tx *gorm.DB) error {
		ids, err := t.config.Save(tx, entries)
		if err != nil {
			return err
		}
		written = len(ids)
		saved := slices.DeleteFunc(slices.Clone(entries), func(e follow.Entry) bool { return !slices.Contains(ids, e.Subject) })
		return t.config.Acknowledge(tx, saved)
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
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document)
	}))
	defer server.Close()
	cfg := t.config
	cfg.FeedURL, cfg.Format = server.URL+"/feed", follow.JSON
	f, err := follow.New(t.DB, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Golden compares the JSON of a path with a kept file. With UPDATE=1 in the environment it keeps what is there now.
func (t *Trial) Golden(name, path string) {
	t.Helper()
	_, body := t.Get(path, "application/json")
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(strings.TrimSpace(body)), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-kept +now):\n%s", name, diff)
	}
}

package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed/atom"
	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/problem"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var about = About{
	Name: "thing", Path: "/thing/feed", Home: "/thing/", Title: "Things", Subtitle: "All things", Author: "Tester",
	Pages: page.New("thing", "thing-test", Page),
	Describe: func(e outbox.Entry) (string, string, string) {
		return fmt.Sprintf("Thing %d", e.Subject), "A <thing> & more", fmt.Sprintf("/thing/%d", e.Subject)
	},
}

// instance is an instance of a service that publishes things.
type instance struct {
	*Feed
	*outbox.Log
	db *postgres.DB
}

// open starts an instance on a database of its own.
func open(t testing.TB) *instance {
	return run(t, pgtest.Open(t, outbox.Migration()))
}

// run starts an instance on db, and waits until it has read the head of its log.
func run(t testing.TB, db *postgres.DB) *instance {
	t.Helper()
	l := newInstance(db, about)
	start(t, l)
	return l
}

func newInstance(db *postgres.DB, about About) *instance {
	log := outbox.New(db)
	return &instance{New(log, about), log, db}
}

func start(t testing.TB, l *instance) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	publish(t, l)
}

// publish publishes what is committed, even if that takes longer than Publish waits.
func publish(t testing.TB, l *instance) {
	t.Helper()
	until(t, "published", func() bool {
		err := l.Publish(t.Context())
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// fill appends n events of different subjects and publishes them.
func fill(t testing.TB, l *instance, n int) {
	t.Helper()
	head, _ := l.Head()
	err := l.db.Exec(`WITH e AS (INSERT INTO outbox_event (subject, kind, withdraws, snapshot)
		SELECT i, 'made', false, json_build_object('id', i) FROM generate_series(?::bigint + 1, ?::bigint + ?::bigint) i RETURNING id)
		INSERT INTO outbox_pending SELECT id FROM e`, head.Position, head.Position, n).Error
	if err != nil {
		t.Fatal(err)
	}
	publish(t, l)
}

func get(t testing.TB, l *instance, n int64, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "http://thing.test:8080/thing/feed", nil)
	mediaType := "application/atom+xml"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Accept" {
			mediaType = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	err := l.Serve(w, r, n, mediaType)
	for end := time.Now().Add(time.Minute); errors.Is(err, context.DeadlineExceeded) && time.Now().Before(end); { // on a slow machine
		err = l.Serve(w, r, n, mediaType)
	}
	if err != nil {
		t.Fatalf("document %d: %v", n, err)
	}
	return w
}

// parse parses an Atom document with gofeed.
func parse(t testing.TB, w *httptest.ResponseRecorder) *atom.Feed {
	t.Helper()
	f, err := (&atom.Parser{}).Parse(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, w.Body)
	}
	return f
}

func linkOf(f *atom.Feed, rel string) string {
	for _, l := range f.Links {
		if l.Rel == rel && l.Type == "" {
			return l.Href
		}
	}
	return ""
}

// until waits for a condition that is sure to come true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute: ", what)
		}
	}
}

func TestDocuments(t *testing.T) {
	l := open(t)
	for _, c := range []struct {
		add     int // events before the look
		n       int64
		entries int
		newest  int64
		archive bool
		links   map[string]string // path by rel, "" for none
	}{
		{0, 0, 0, 0, false, map[string]string{"self": "/thing/feed", "via": "/thing/feed/1", "prev-archive": ""}},
		{0, 1, 0, 0, false, map[string]string{"self": "/thing/feed/1", "via": "", "next-archive": ""}},
		{100, 0, 100, 100, false, map[string]string{"via": "/thing/feed/1", "prev-archive": ""}},
		{0, 1, 100, 100, false, map[string]string{"next-archive": ""}},
		{1, 0, 101, 101, false, map[string]string{"via": "/thing/feed/2", "prev-archive": ""}},
		{0, 1, 100, 100, true, map[string]string{"self": "/thing/feed/1", "current": "/thing/feed", "next-archive": "/thing/feed/2", "prev-archive": ""}},
		{0, 2, 1, 101, false, map[string]string{"next-archive": "", "prev-archive": "/thing/feed/1"}},
		{149, 0, 150, 250, false, map[string]string{"via": "/thing/feed/3", "prev-archive": "/thing/feed/1", "first": "/thing/feed/1"}},
		{50, 0, 100, 300, false, map[string]string{"via": "/thing/feed/3", "prev-archive": "/thing/feed/2"}},
	} {
		if c.add > 0 {
			fill(t, l, c.add)
		}
		head, _ := l.Head()
		name := fmt.Sprintf("document %d at %d", c.n, head.Position)
		w := get(t, l, c.n)
		f := parse(t, w)
		if len(f.Entries) != c.entries {
			t.Errorf("%s: %d entries, want %d", name, len(f.Entries), c.entries)
		}
		for i, e := range f.Entries {
			want := fmt.Sprintf("tag:msatom.example,2026:thing/%s/%d", head.Epoch, c.newest-int64(i))
			if e.ID != want || e.Content.Src == "" || e.Content.Type != "application/json" || e.UpdatedParsed == nil {
				t.Errorf("%s: entry %d is %+v, want id %s", name, i, e, want)
			}
		}
		_, archive := f.Extensions["fh"]["archive"]
		if archive != c.archive {
			t.Errorf("%s: fh:archive %t, want %t", name, archive, c.archive)
		}
		if immutable := strings.Contains(w.Header().Get("Cache-Control"), "immutable"); immutable != c.archive {
			t.Errorf("%s: Cache-Control %q", name, w.Header().Get("Cache-Control"))
		}
		for rel, path := range c.links {
			if path != "" {
				path = "http://thing.test:8080" + path
			}
			if got := linkOf(f, rel); got != path {
				t.Errorf("%s: %s = %q, want %q", name, rel, got, path)
			}
		}
	}
	for _, n := range []int64{4, -1, 1 << 62} {
		err := l.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), n, "application/atom+xml")
		if p := problem.As(err); p == nil || p.Status != 404 {
			t.Errorf("document %d: %v, want 404", n, err)
		}
	}
}

func TestJSONHoldsTheSnapshots(t *testing.T) {
	l := open(t)
	fill(t, l, 3)
	var f JSONFeed
	if err := json.Unmarshal(get(t, l, 0, "Accept", "application/json").Body.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	if f.Log.Head != 3 || len(f.Items) != 3 || f.Log.Links["via"] != "http://thing.test:8080/thing/feed/1" {
		t.Fatalf("%+v", f)
	}
	e := f.Items[0]
	if e.Event.Position != 3 || e.Event.Subject != 3 || string(e.Event.Snapshot) != `{"id":3}` {
		t.Errorf("%+v, snapshot %s", e, e.Event.Snapshot)
	}
	if epoch := parse(t, get(t, l, 0)).ID; epoch != f.Log.Epoch {
		t.Errorf("epoch %q in JSON, %q in Atom", f.Log.Epoch, epoch)
	}
}

// A withdrawal is an entry, and a deleted-entry for each earlier entry of its subject, even if that is in another document.
func TestWithdrawal(t *testing.T) {
	l := open(t)
	fill(t, l, 100)
	for _, e := range []outbox.Event{
		{Subject: 7, Kind: "changed", Snapshot: []byte(`{"id":7}`)},
		{Subject: 7, Kind: "cancelled", Withdraws: true, Snapshot: []byte(`{"id":7}`)},
	} {
		if err := l.Append(l.db.DB, e); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, l)
	f := parse(t, get(t, l, 2))
	if len(f.Entries) != 2 || f.Entries[0].Categories[0].Term != "cancelled" {
		t.Fatalf("entries %+v", f.Entries)
	}
	var refs []string
	for _, d := range f.Extensions["at"]["deleted-entry"] {
		refs = append(refs, strings.TrimPrefix(d.Attrs["ref"], f.ID+"/"))
		if d.Attrs["when"] != f.Entries[0].Updated {
			t.Errorf("when = %q, want %q", d.Attrs["when"], f.Entries[0].Updated)
		}
	}
	if fmt.Sprint(refs) != "[101 7]" {
		t.Errorf("deleted entries %v, want [101 7]", refs)
	}
	if page := get(t, l, 2, "Accept", htmlType).Body.String(); !strings.Contains(page, "Withdraws the entries at positions 101, 7.") {
		t.Errorf("the page does not name the withdrawn entries:\n%s", page)
	}
}

func setUpdated(t testing.TB, l *instance, to time.Time) {
	t.Helper()
	if err := l.db.Exec("UPDATE outbox_position SET updated = ?", to).Error; err != nil {
		t.Fatal(err)
	}
	publish(t, l)
}

// A reader that sends only If-Modified-Since never gets 304 while the second of the last entry can get another one. If the
// database's clock was set back, that second is still to come.
func TestARunningSecondIsNotPromised(t *testing.T) {
	l := open(t)
	fill(t, l, 1)
	for _, ahead := range []time.Duration{0, time.Hour} {
		var now time.Time
		if err := l.db.Raw("SELECT date_trunc('second', clock_timestamp())").Scan(&now).Error; err != nil {
			t.Fatal(err)
		}
		// The clock advances while this test runs, but not by a minute.
		updated := now.UTC().Add(ahead + time.Minute)
		setUpdated(t, l, updated)
		w := get(t, l, 0)
		modified, err := http.ParseTime(w.Header().Get("Last-Modified"))
		if err != nil || !modified.Before(updated) || modified.After(time.Now()) {
			t.Errorf("Last-Modified %v, %v; want before now and before %v", modified, err, updated)
		}
		for _, since := range []time.Time{modified, updated, updated.Add(time.Hour)} {
			if w := get(t, l, 0, "If-Modified-Since", since.Format(http.TimeFormat)); w.Code != 200 {
				t.Errorf("If-Modified-Since %v while %v runs: %d", since, updated, w.Code)
			}
		}
		fill(t, l, 1)
		var last time.Time
		if err := l.db.Raw("SELECT updated FROM outbox_position ORDER BY position DESC LIMIT 1").Scan(&last).Error; err != nil {
			t.Fatal(err)
		}
		if last.Before(updated) {
			t.Errorf("an entry got %v after %v", last, updated)
		}
	}
}

// A 304 reads no entries: it is correct even if they cannot be read.
func TestNotModifiedReadsNothing(t *testing.T) {
	t.Parallel()
	l := open(t)
	fill(t, l, 10)
	etag := get(t, l, 0).Header().Get("ETag")
	if err := l.db.Exec("ALTER TABLE outbox_event RENAME TO hidden").Error; err != nil {
		t.Fatal(err)
	}
	if w := get(t, l, 0, "If-None-Match", etag); w.Code != 304 {
		t.Errorf("status %d", w.Code)
	}
	w := httptest.NewRecorder()
	if err := l.Serve(w, httptest.NewRequest("GET", "/", nil), 0, "application/atom+xml"); err == nil || w.Header().Get("ETag")+w.Header().Get("Content-Type")+w.Header().Get("Cache-Control") != "" {
		t.Errorf("without its table the document is served: %v, %v", err, w.Header())
	}
}

func TestBase(t *testing.T) {
	for _, c := range []struct{ public, want string }{
		{"", "http://order:8080"},
		{"https://shop.example", "https://shop.example"},
		{"https://shop.example:8443/ignored?x", "https://shop.example:8443"},
		{"javascript:alert(1)", "http://order:8080"},
		{"://", "http://order:8080"},
	} {
		r := httptest.NewRequest("GET", "http://order:8080/", nil)
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set(PublicURL, c.public)
		if got := Base(r); got != c.want {
			t.Errorf("Base with %q = %q, want %q", c.public, got, c.want)
		}
	}
}

// An entry that answers another names it in Atom (RFC 4685) and in JSON.
func TestReply(t *testing.T) {
	l := open(t)
	const answered = "tag:msatom.example,2026:order/x/17"
	if err := l.Append(l.db.DB, outbox.Event{Subject: 1, Kind: "made", Snapshot: []byte(`{}`)}, outbox.Event{Subject: 2, Kind: "made", ReplyTo: answered, Snapshot: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	publish(t, l)
	f := parse(t, get(t, l, 0))
	if got := f.Entries[0].Extensions["thr"]["in-reply-to"]; len(got) != 1 || got[0].Attrs["ref"] != answered {
		t.Errorf("in-reply-to %+v", got)
	}
	if got := f.Entries[1].Extensions["thr"]["in-reply-to"]; len(got) != 0 {
		t.Errorf("an entry that answers none: %+v", got)
	}
	var j JSONFeed
	err := json.Unmarshal(get(t, l, 0, "Accept", "application/json").Body.Bytes(), &j)
	if err != nil || len(j.Items) != 2 || j.Items[0].Event.ReplyTo != answered || j.Items[1].Event.ReplyTo != "" {
		t.Errorf("%+v, %v", j.Items, err)
	}
}

// Whether a second is over depends on when the head was read, not on when the answer is written: in between, another instance
// can publish in that second, and a reader that got its date would never see that entry.
func TestADateIsAsOldAsItsHead(t *testing.T) {
	second := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		read  time.Time
		final bool
	}{{second.Add(900 * time.Millisecond), false}, {second.Add(time.Second), true}} {
		d := &Document{Recent: true, Number: 1, Head: outbox.Head{Epoch: "01234567", Position: 1, Updated: second, Clock: c.read}}
		if v := versionOf(d, "atom"); v.running == c.final {
			t.Errorf("read at %v: running %t", c.read, v.running)
		}
	}
}

package follow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/deadletter"
	"msatom/shared/follow/followtest"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// formats in which feeds are read.
var formats = []string{Atom, JSON}

// consumer is one instance that keeps a row for each thing.
type consumer struct {
	*Follower
	DB  *postgres.DB
	now time.Time
}

func consumerDB(t testing.TB) string {
	t.Helper()
	url := pgtest.URL(t)
	db := pgtest.At(t, url, Migrations()...)
	if err := db.Exec(`CREATE TABLE record (id bigint PRIMARY KEY, value varchar(20) NOT NULL, log text, position bigint, writes int DEFAULT 1)`).Error; err != nil {
		t.Fatal(err)
	}
	return url
}

func follow(t testing.TB, db, feedURL string, handlers ...saver) *consumer {
	t.Helper()
	c := &consumer{DB: pgtest.At(t, db, Migrations()...), now: time.Now()}
	handler := keep
	if len(handlers) > 0 {
		handler = handlers[0]
	}
	p, err := New(c.DB.DB, Config{FeedURL: feedURL, Schedule: "@every 1h", Wait: 50 * time.Second, Feed: "thing", Record: "record", Instance: "test",
		Save: handler, Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	c.Follower = p
	return c
}

type saver = func(tx *gorm.DB, entries []Entry) (saved []int64, err error)

// keep saves the newest value of each record.
func keep(tx *gorm.DB, entries []Entry) (written []int64, err error) {
	for _, e := range entries {
		var r struct {
			ID    int64
			Value string
		}
		if err := json.Unmarshal(e.Content, &r); err != nil {
			return nil, err
		}
		if r.Value == "panic" {
			panic("cannot be processed")
		}
		done := tx.Exec(`INSERT INTO record AS old VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET value = excluded.value, log = excluded.log, position = excluded.position, writes = old.writes + 1
			WHERE old.log <> excluded.log OR old.position < excluded.position`, r.ID, r.Value, e.Log, e.Position)
		if done.Error != nil {
			return nil, done.Error
		}
		if done.RowsAffected > 0 {
			written = append(written, r.ID)
		}
	}
	return written, nil
}

func (c *consumer) poll(t testing.TB) Result {
	t.Helper()
	r, err := c.Poll(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// records are the values by id, as "1=a 2=b".
func (c *consumer) records(t testing.TB) string {
	t.Helper()
	var s *string
	if err := c.DB.Raw("SELECT string_agg(id || '=' || value, ' ' ORDER BY id) FROM record").Scan(&s).Error; err != nil {
		t.Fatal(err)
	}
	if s == nil {
		return ""
	}
	return *s
}

func (c *consumer) count(t testing.TB, sql string) (n int) {
	t.Helper()
	if err := c.DB.Raw(sql).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPollProcessesNewEntries(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	c := follow(t, consumerDB(t), s.URL)
	if r := c.poll(t); r.Saved != 0 || r.NotModified {
		t.Errorf("empty feed: %+v", r)
	}
	s.Happen(t, "made", 1, 3, "a")
	if r := c.poll(t); r != (Result{Saved: 3}) {
		t.Errorf("three new: %+v", r)
	}
	if r := c.poll(t); r != (Result{NotModified: true}) {
		t.Errorf("nothing new: %+v", r)
	}
	s.Happen(t, "changed", 2, 2, "b")
	if r := c.poll(t); r != (Result{Saved: 1}) || c.records(t) != "1=a 2=b 3=a" {
		t.Errorf("one changed: %+v, %s", r, c.records(t))
	}
	s.Happen(t, "made", 4, 460, "c")
	if r := c.poll(t); r != (Result{Saved: 457}) {
		t.Errorf("five documents: %+v", r)
	}
	if n := c.count(t, "SELECT position FROM follow_cursor"); n != 461 {
		t.Errorf("cursor at %d", n)
	}
}

// A new instance starts at the cursor, and reports what others processed since it started.
func TestAnotherInstanceFindsTheWorkDone(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	db := consumerDB(t)
	s.Happen(t, "made", 1, 250, "a")
	one, two := follow(t, db, s.URL), follow(t, db, s.URL)
	one.poll(t)
	if r := two.poll(t); r != (Result{}) {
		t.Errorf("instance that came later: %+v", r)
	}
	s.Happen(t, "made", 251, 252, "a")
	one.poll(t)
	if r := two.poll(t); r != (Result{Ignored: 2}) {
		t.Errorf("other instance: %+v, want 2 already there", r)
	}
	if r := two.poll(t); !r.NotModified {
		t.Errorf("and again: %+v", r)
	}
}

// Five instances poll at once while the feed grows: every record is saved once.
func TestParallelInstancesWriteOnce(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	db := consumerDB(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var total sync.Map
	for i := range 5 {
		c := follow(t, db, s.URL)
		wg.Go(func() {
			written := 0
			for last := false; ; {
				r, err := c.Poll(context.Background())
				if err != nil {
					t.Error(err)
				}
				written += r.Saved
				if last {
					total.Store(i, written)
					return
				}
				select {
				case <-stop:
					last = true
				default:
				}
			}
		})
	}
	for i := range 30 {
		s.Happen(t, "made", i*25+1, i*25+25, "a")
	}
	close(stop)
	wg.Wait()
	sum := 0
	total.Range(func(_, n any) bool { sum += n.(int); return true })
	c := follow(t, db, s.URL)
	if n := c.count(t, "SELECT count(*) FROM record WHERE writes = 1"); n != 750 || sum != 750 {
		t.Errorf("%d records written once, instances wrote %d; want 750", n, sum)
	}
}

// A failure in the middle keeps cursor and records together: both move or neither.
func TestFailedPollMovesNothing(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 250, "a")
	fail := true
	c := follow(t, consumerDB(t), s.URL, func(tx *gorm.DB, entries []Entry) ([]int64, error) {
		written, err := keep(tx, entries)
		if fail && entries[0].Position > 100 {
			return nil, &brokenConnection{}
		}
		return written, err
	})
	if _, err := c.Poll(context.Background()); err == nil {
		t.Error("no error")
	}
	if n, at := c.count(t, "SELECT count(*) FROM record"), c.count(t, "SELECT position FROM follow_cursor"); n != 100 || at != 100 {
		t.Errorf("%d records, cursor at %d; want the first document only", n, at)
	}
	if state := c.State(); state.Error == "" || state.Failures != 1 {
		t.Errorf("state %+v", state)
	}
	fail = false
	if r := c.poll(t); r.Saved != 150 || c.State().Error != "" {
		t.Errorf("afterwards %+v, state %+v", r, c.State())
	}
}

// brokenConnection is a failure of the surroundings.
type brokenConnection struct{}

func (*brokenConnection) Error() string   { return "connection broke" }
func (*brokenConnection) Timeout() bool   { return true }
func (*brokenConnection) Temporary() bool { return true }

func TestPoisonEntryBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value string }{
		{"the handler panics", "panic"},
		{"a constraint is violated", "longer than the twenty characters of the column"},
		{"a value that Postgres cannot store", "nul \x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := followtest.New(t)
			p := follow(t, consumerDB(t), s.URL)
			s.Happen(t, "made", 1, 3, "a")
			s.Happen(t, "made", 4, 4, "a")
			snapshot, err := json.Marshal(map[string]any{"id": 4, "value": c.value})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.DB.Exec("UPDATE outbox_event SET snapshot = ? WHERE subject = 4", string(snapshot)).Error; err != nil {
				t.Fatal(err)
			}
			s.Happen(t, "made", 5, 6, "a")
			if r := p.poll(t); r != (Result{Saved: 5, DeadLetters: 1}) {
				t.Fatalf("%+v", r)
			}
			if got := p.records(t); got != "1=a 2=a 3=a 5=a 6=a" {
				t.Errorf("records %s", got)
			}
			list, total, err := p.letters.List(context.Background())
			if err != nil || total != 1 || list[0].Subject != 4 || list[0].Position != 4 || list[0].Error == "" || list[0].Attempts != 1 {
				t.Fatalf("dead letters %+v, %d, %v", list, total, err)
			}
			p.poll(t)
			if list, _, _ := p.letters.List(context.Background()); list[0].Attempts != 1 {
				t.Error("tried again before its time")
			}
			p.now = p.now.Add(31 * time.Second)
			p.poll(t)
			list, _, _ = p.letters.List(context.Background())
			if list[0].Attempts != 2 || list[0].NextTry.Sub(p.now) < 59*time.Second {
				t.Errorf("after the second try: %+v", list[0])
			}
		})
	}
}

// Three poison entries in one document: each becomes a dead letter with its own error, and the others are saved.
func TestSeveralDeadLettersFromOneDocument(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	c := follow(t, consumerDB(t), s.URL)
	for i, value := range []string{"a", "panic", "b", "longer than the twenty characters of the column", "c", "unreadable", "d"} {
		s.Happen(t, "made", i+1, i+1, value)
	}
	if err := s.DB.Exec(`UPDATE outbox_event SET snapshot = '{"id": "six"}' WHERE subject = 6`).Error; err != nil {
		t.Fatal(err)
	}
	if r := c.poll(t); r != (Result{Saved: 4, DeadLetters: 3}) {
		t.Errorf("%+v", r)
	}
	list, _, err := c.letters.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %.40s", p.Subject, p.Error)))
	}
	want := []string{"2 panic: cannot be processed", "4 ERROR: value too long for type character", "6 json: cannot unmarshal string into Go st"}
	if !slices.Equal(got, want) || c.records(t) != "1=a 3=b 5=c 7=d" {
		t.Errorf("dead letters %q, records %s", got, c.records(t))
	}
}

// The log of another instance says which entries have become dead letters and which were saved. Not parallel: the log belongs to the process.
func TestAnotherInstanceNamesDeadLetters(t *testing.T) {
	s := followtest.New(t)
	db := consumerDB(t)
	one, two := follow(t, db, s.URL), follow(t, db, s.URL)
	two.poll(t)
	s.Happen(t, "made", 1, 1, "a")
	s.Happen(t, "made", 2, 2, "panic")
	one.poll(t)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	r := two.poll(t)
	slog.SetDefault(before)
	if r != (Result{Ignored: 2}) {
		t.Errorf("%+v", r)
	}
	for _, line := range []string{`msg="record already there: ignored" thing=1`, `msg="entry already in the dead letters: ignored" thing=2`} {
		if strings.Count(log.String(), line) != 1 || strings.Count(log.String(), "ignored") != 2 {
			t.Errorf("no %s in\n%s", line, log.String())
		}
	}
}

func TestDeadLettersAreRetriedAndSkipped(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	broken := true
	c := follow(t, consumerDB(t), s.URL, func(tx *gorm.DB, entries []Entry) ([]int64, error) {
		for _, e := range entries {
			if broken && e.Subject <= 3 {
				return nil, errors.New("not today")
			}
		}
		return keep(tx, entries)
	})
	s.Happen(t, "made", 1, 4, "a")
	c.poll(t)
	s.Happen(t, "changed", 3, 3, "b")
	c.poll(t)
	list, total, _ := c.letters.List(context.Background())
	if total != 4 {
		t.Fatalf("%d dead letters, want 4", total)
	}
	broken = false
	if err := c.letters.Skip(context.Background(), list[0].ID); err != nil {
		t.Error(err)
	}
	if r, err := c.Retry(context.Background(), list[1].ID); err != nil || r.Saved != 1 {
		t.Errorf("retry: %+v, %v", r, err)
	}
	// The newer of two events about one record first: the older one then changes nothing.
	if _, err := c.Retry(context.Background(), list[3].ID); err != nil {
		t.Error(err)
	}
	c.now = c.now.Add(time.Hour)
	c.poll(t)
	if _, total, _ := c.letters.List(context.Background()); total != 0 || c.records(t) != "2=a 3=b 4=a" {
		t.Errorf("%d dead letters, records %s", total, c.records(t))
	}
	for _, err := range []error{c.letters.Skip(context.Background(), 99), func() error { _, err := c.Retry(context.Background(), 99); return err }()} {
		if err == nil {
			t.Error("an unknown dead letter is not an error")
		}
	}
}

func TestAnotherLogIsReadFromItsStart(t *testing.T) {
	t.Parallel()
	first, second := followtest.New(t), followtest.New(t)
	db := consumerDB(t)
	first.Happen(t, "made", 1, 150, "first")
	follow(t, db, first.URL).poll(t)
	second.Happen(t, "made", 1, 120, "second")
	c := follow(t, db, second.URL)
	if err := c.DB.Create(&deadletter.Letter{Feed: "thing", EntryID: "x", Log: "first", Position: 999, Subject: 1, Content: `{"id":1,"value":"dead"}`, Error: "e"}).Error; err != nil {
		t.Fatal(err)
	}
	if r := c.poll(t); r.Saved != 120 {
		t.Errorf("%+v", r)
	}
	c.now = c.now.Add(24 * time.Hour) // the dead letters of the first log went with it
	c.poll(t)
	if n := c.count(t, "SELECT count(*) FROM record WHERE value = 'second'"); n != 120 {
		t.Errorf("%d records of the second log, want 120", n)
	}
}

// A log restored from a backup is shorter than before. That is believed only after a while, because an instance that lags behind
// may have answered.
func TestAShorterLogIsReadAgain(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	db := consumerDB(t)
	s.Happen(t, "made", 1, 10, "a")
	c := follow(t, db, s.URL)
	c.poll(t)
	for _, sql := range []string{"DELETE FROM outbox_position WHERE position > 5", "DELETE FROM outbox_event WHERE id > 5"} {
		if err := s.DB.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	s.Happen(t, "made", 6, 6, "again")
	if r := c.poll(t); r.Saved != 0 || c.count(t, "SELECT position FROM follow_cursor") != 10 {
		t.Errorf("at once: %+v", r)
	}
	c.now = c.now.Add(time.Minute)
	c.poll(t)
	if got, want := c.records(t), "1=a 2=a 3=a 4=a 5=a 6=again 7=a 8=a 9=a 10=a"; got != want {
		t.Errorf("records %s, want %s", got, want)
	}
	if at := c.count(t, "SELECT position FROM follow_cursor"); at != 6 {
		t.Errorf("cursor at %d, want 6", at)
	}
}

// A consumer that is far behind advances with each poll, even if none reaches the end.
func TestFarBehindOverABadConnection(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 150, "a")
	var asked atomic.Int64 // a poll that is broken off may still ask for what it reads ahead
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%8 == 0 {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		s.ServeHTTP(w, r)
	}))
	defer bad.Close()
	db := consumerDB(t)
	c := follow(t, db, bad.URL+"/feed")
	c.poll(t)
	s.Happen(t, "made", 151, 2150, "a")
	for polls := 0; ; polls++ {
		if polls == 20 {
			t.Fatalf("after %d polls at %d", polls, c.count(t, "SELECT position FROM follow_cursor"))
		}
		if polls == 2 {
			c = follow(t, db, bad.URL+"/feed") // another instance continues there
		}
		if _, err := c.Poll(t.Context()); err == nil {
			break
		}
	}
	if n := c.count(t, "SELECT count(*) FROM record WHERE writes = 1"); n != 2150 {
		t.Errorf("%d records", n)
	}
}

// counting is keep, and records the number of entries of each call.
func counting(calls *[]int) saver {
	return func(tx *gorm.DB, entries []Entry) ([]int64, error) {
		*calls = append(*calls, len(entries))
		return keep(tx, entries)
	}
}

// A consumer that is far behind processes several documents per transaction, up to a number of entries and of bytes.
func TestFarBehindSeveralDocumentsPerTransaction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		entries     int
		want        []int
	}{
		{"small", "a", 2250, []int{100, 1000, 1000, 150}},
		{"large", strings.Repeat("a", maxContent/100), 250, []int{100, 100, 50}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := followtest.New(t)
			s.Happen(t, "made", 1, c.entries, c.value)
			var calls []int
			p := follow(t, consumerDB(t), s.URL, counting(&calls))
			if err := p.DB.Exec("ALTER TABLE record ALTER value TYPE text").Error; err != nil {
				t.Fatal(err)
			}
			if r := p.poll(t); r.Saved != c.entries || !slices.Equal(calls, c.want) {
				t.Errorf("%+v, by %v at once", r, calls)
			}
			if n := p.count(t, "SELECT count(*) FROM record WHERE writes = 1"); n != c.entries {
				t.Errorf("%d records", n)
			}
		})
	}
}

// The new entries are not enough for a consumer whose database was restored while it waited.
func TestCursorSetBackWhileWaiting(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	c := follow(t, consumerDB(t), s.URL)
	s.Happen(t, "made", 1, 5, "a")
	c.poll(t)
	s.Happen(t, "made", 6, 6, "a")
	news, _, err := c.waitForNews(t.Context())
	if err != nil || len(news.Entries) != 1 {
		t.Fatalf("%+v, %v", news, err)
	}
	for _, sql := range []string{"UPDATE follow_cursor SET position = 2", "DELETE FROM record WHERE id > 2"} {
		if err := c.DB.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	if r, err := c.Follower.poll(t.Context(), news, false); err != nil || r.Saved != 4 || c.records(t) != "1=a 2=a 3=a 4=a 5=a 6=a" {
		t.Errorf("%+v, %v, records %s", r, err, c.records(t))
	}
}

// A poison entry among many is found by bisection, not by trying each alone.
func TestPoisonEntryIsFoundByBisection(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 611, "a")
	s.Happen(t, "made", 612, 612, "panic")
	s.Happen(t, "made", 613, 1200, "a")
	var calls []int
	c := follow(t, consumerDB(t), s.URL, counting(&calls))
	if r := c.poll(t); r != (Result{Saved: 1199, DeadLetters: 1}) {
		t.Errorf("%+v", r)
	}
	if len(calls) > 30 {
		t.Errorf("save was called %d times: %v", len(calls), calls)
	}
}

// recorder passes requests on and keeps their headers and the statuses of the responses.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	headers  []http.Header
	statuses []int
}

func record(t testing.TB, h http.Handler) *recorder {
	rec := &recorder{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		rec.mu.Lock()
		rec.headers, rec.statuses = append(rec.headers, r.Header), append(rec.statuses, answer.Code)
		rec.mu.Unlock()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(rec.Close)
	return rec
}

// last returns what was recorded since it was last called.
func (r *recorder) last() (headers []http.Header, statuses []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	headers, statuses = r.headers, r.statuses
	r.headers, r.statuses = nil, nil
	return headers, statuses
}

// A poll is one conditional GET with one Accept header. A waiting follower asks for the new entries only, and parses only those.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := followtest.New(t)
			door := record(t, s)
			c := follow(t, consumerDB(t), door.URL+"/feed")
			c.client.accept = map[string]string{Atom: acceptAtom, JSON: acceptJSON}[format]
			s.Happen(t, "made", 1, 150, "a")
			for _, step := range []struct {
				saved  int
				status int
			}{{150, 200}, {0, 304}} {
				r := c.poll(t)
				headers, statuses := door.last()
				if step.saved > 0 {
					headers, statuses = headers[:1], statuses[:1] // then come the archived documents
				}
				if r.Saved != step.saved || !slices.Equal(statuses, []int{step.status}) {
					t.Fatalf("%+v, statuses %v; want %d saved, %d", r, statuses, step.saved, step.status)
				}
				h := headers[0]
				if !slices.Equal(h["Accept"], []string{c.client.accept}) || h["A-Im"] != nil || h["Prefer"] != nil || (h["If-None-Match"] != nil) != (step.status == 304) {
					t.Errorf("headers %v", h)
				}
			}
			s.Happen(t, "changed", 7, 7, "b")
			news, _, err := c.waitForNews(t.Context())
			headers, statuses := door.last()
			if err != nil || len(news.Entries) != 1 || !slices.Equal(statuses, []int{226}) {
				t.Fatalf("%v, statuses %v, %+v", err, statuses, news)
			}
			if h := headers[0]; !slices.Equal(h["Prefer"], []string{"wait=50"}) || !slices.Equal(h["A-Im"], []string{"feed"}) || !slices.Equal(h["Accept"], []string{c.client.accept}) {
				t.Errorf("headers %v", h)
			}
			if r, err := c.Follower.poll(t.Context(), news, false); err != nil || r.Saved != 1 {
				t.Errorf("%+v, %v", r, err)
			}
			if _, statuses := door.last(); len(statuses) != 0 {
				t.Errorf("another request for the same document: %v", statuses)
			}
		})
	}
}

// A consumer whose own database was restored processes again what is missing there, though the feed has not changed.
func TestCursorSetBack(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	c := follow(t, consumerDB(t), s.URL)
	s.Happen(t, "made", 1, 5, "a")
	c.poll(t)
	for _, sql := range []string{"UPDATE follow_cursor SET position = 2", "DELETE FROM record WHERE id > 2"} {
		if err := c.DB.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	if r := c.poll(t); r.Saved != 3 || c.records(t) != "1=a 2=a 3=a 4=a 5=a" {
		t.Errorf("%+v, records %s", r, c.records(t))
	}
}

// A waiting consumer processes new entries without the schedule, which here comes in an hour.
func TestWaitingForNews(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	c := follow(t, consumerDB(t), s.URL)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	for i := range 3 {
		s.Happen(t, "made", i+1, i+1, "a")
		for end := time.Now().Add(time.Minute); c.count(t, "SELECT count(*) FROM record") <= i; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("record %d was not written; state %+v", i+1, c.State())
			}
		}
	}
	cancel()
	<-done
}

// A dead letter that becomes due while the consumer waits is retried, although there is no news.
func TestDeadLetterIsRetriedWhileWaiting(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 1, "a")
	var repaired atomic.Bool
	c := follow(t, consumerDB(t), s.URL, func(tx *gorm.DB, entries []Entry) ([]int64, error) {
		if !repaired.Load() {
			return nil, errors.New("not today")
		}
		return keep(tx, entries)
	})
	c.cfg.Wait = time.Second
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	defer running.Wait()
	defer cancel()
	waitUntil := func(isTrue func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !isTrue(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("state %+v, records %q", c.State(), c.records(t))
			}
		}
	}
	waitUntil(func() bool { return c.State().Waiting })
	repaired.Store(true)
	if err := c.DB.Exec("UPDATE dead_letter SET next_try = ?", c.now.Add(-time.Second)).Error; err != nil {
		t.Fatal(err)
	}
	waitUntil(func() bool { return c.records(t) == "1=a" })
}

// Waiting ends without a document if nothing was published.
func TestWaitingWithoutNews(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 3, "a")
	c := follow(t, consumerDB(t), s.URL)
	c.poll(t)
	if recent, supported, err := c.client.document(t.Context(), request{address: c.cfg.FeedURL, known: c.known, wait: time.Second}); recent != nil || !supported || err != nil {
		t.Errorf("%+v, supported %v, %v", recent, supported, err)
	}
}

// If the feed does not hold requests, the schedule must do.
func TestFeedThatDoesNotHoldRequests(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]http.HandlerFunc{
		"answers at once": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) },
		"fails":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
	} {
		server := httptest.NewServer(serve)
		c := follow(t, consumerDB(t), server.URL+"/feed")
		c.known.etag = `"x"`
		if recent, held, err := c.waitForNews(context.Background()); recent != nil || held || err != nil {
			t.Errorf("%s: polled again without news: %v", name, err)
		}
		server.Close()
	}
}

// A poll without news asks the database once, and changes nothing there.
func TestPollWithoutNewsIsOneStatement(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 3, "a")
	c := follow(t, consumerDB(t), s.URL)
	c.poll(t)
	var statements []string
	record := func(db *gorm.DB) { statements = append(statements, db.Statement.SQL.String()) }
	for _, err := range []error{
		c.DB.Callback().Query().After("*").Register("test", record), c.DB.Callback().Row().After("*").Register("test", record),
		c.DB.Callback().Create().After("*").Register("test", record), c.DB.Callback().Raw().After("*").Register("test", record),
		c.DB.Callback().Update().After("*").Register("test", record), c.DB.Callback().Delete().After("*").Register("test", record),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if r := c.poll(t); !r.NotModified || len(statements) != 1 || !strings.HasPrefix(statements[0], "SELECT") {
		t.Errorf("%+v by %q", r, statements)
	}
}

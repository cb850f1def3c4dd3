package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

	"msatom/shared/feed"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// things is a service that publishes a feed, for a consumer to follow: a real log in a database of its own.
type things struct {
	*feed.Log
	db     *postgres.DB
	server *httptest.Server
}

func publisher(t testing.TB) *things {
	t.Helper()
	db := pgtest.Open(t, feed.Migration())
	s := &things{db: db, Log: feed.NewLog(db, feed.About{Name: "thing", Path: "/feed", Home: "/", Title: "Things",
		Describe: func(e feed.Entry) (string, string, string) {
			return "thing", "a thing", fmt.Sprintf("/thing/%d", e.Subject)
		}})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	s.publish(t)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int64(0)
		if _, err := fmt.Sscanf(r.URL.Path, "/feed/%d", &n); err != nil && r.URL.Path != "/feed" {
			http.NotFound(w, r)
			return
		}
		mediaType := "application/json"
		if strings.HasPrefix(r.Header.Get("Accept"), "application/atom+xml") {
			mediaType = "application/atom+xml"
		}
		if err := s.Serve(w, r, n, mediaType); err != nil {
			http.Error(w, err.Error(), 404)
		}
	}))
	t.Cleanup(s.server.Close)
	return s
}

// publish publishes what has happened, also where that takes longer than Publish waits.
func (s *things) publish(t testing.TB) {
	t.Helper()
	err := s.Publish(t.Context())
	for errors.Is(err, context.DeadlineExceeded) {
		err = s.Publish(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// happen appends one event for each of the subjects from..to, with a value that tells what the record is worth.
func (s *things) happen(t testing.TB, kind string, from, to int, value string) {
	t.Helper()
	for i := from; i <= to; i++ {
		snapshot, err := json.Marshal(map[string]any{"id": i, "value": value})
		if err != nil {
			t.Fatal(err)
		}
		e := feed.Event{Subject: int64(i), Kind: kind, Snapshot: snapshot}
		if err := s.Append(s.db.DB, e); err != nil {
			t.Fatal(err)
		}
	}
	s.publish(t)
}

// consumer is one instance that keeps a row for each thing.
type consumer struct {
	*Poller
	db  *postgres.DB
	now time.Time
}

func consumerDB(t testing.TB) string {
	t.Helper()
	url := pgtest.URL(t)
	db := pgtest.At(t, url, Migration())
	if err := db.Exec(`CREATE TABLE record (id bigint PRIMARY KEY, value varchar(20) NOT NULL, log text, position bigint, writes int DEFAULT 1)`).Error; err != nil {
		t.Fatal(err)
	}
	return url
}

func follow(t testing.TB, db, feedURL string, handlers ...Handler) *consumer {
	t.Helper()
	c := &consumer{db: pgtest.At(t, db, Migration()), now: time.Now()}
	handler := keep
	if len(handlers) > 0 {
		handler = handlers[0]
	}
	p, err := New(c.db.DB, Config{Source: Source{FeedURL: feedURL, Schedule: "@every 1h", Wait: 50 * time.Second}, Feed: "thing", Record: "record", Instance: "test",
		Now: func() time.Time { return c.now }}, handler)
	if err != nil {
		t.Fatal(err)
	}
	c.Poller = p
	return c
}

// keep is a plain handler: the newest value of each record.
func keep(_ context.Context, tx *gorm.DB, entries []Entry) (written []int64, err error) {
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
			WHERE old.log <> excluded.log OR old.position < excluded.position`, r.ID, r.Value, e.Epoch, e.Position)
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
	if err := c.db.Raw("SELECT string_agg(id || '=' || value, ' ' ORDER BY id) FROM record").Scan(&s).Error; err != nil {
		t.Fatal(err)
	}
	if s == nil {
		return ""
	}
	return *s
}

func (c *consumer) count(t testing.TB, sql string) (n int) {
	t.Helper()
	if err := c.db.Raw(sql).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPollTakesWhatIsNew(t *testing.T) {
	s := publisher(t)
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	if r := c.poll(t); r.Written != 0 || r.NotModified {
		t.Errorf("empty feed: %+v", r)
	}
	s.happen(t, "made", 1, 3, "a")
	if r := c.poll(t); r != (Result{Written: 3}) {
		t.Errorf("three new: %+v", r)
	}
	if r := c.poll(t); r != (Result{NotModified: true}) {
		t.Errorf("nothing new: %+v", r)
	}
	s.happen(t, "changed", 2, 2, "b")
	if r := c.poll(t); r != (Result{Written: 1}) || c.records(t) != "1=a 2=b 3=a" {
		t.Errorf("one changed: %+v, %s", r, c.records(t))
	}
	s.happen(t, "made", 4, 460, "c")
	if r := c.poll(t); r != (Result{Written: 457}) {
		t.Errorf("five documents: %+v", r)
	}
	if n := c.count(t, "SELECT position FROM poll_cursor"); n != 461 {
		t.Errorf("cursor at %d", n)
	}
}

// A fresh instance begins at the cursor, not at the first document, and says what others did since it came.
func TestAnotherInstanceFindsTheWorkDone(t *testing.T) {
	s := publisher(t)
	db := consumerDB(t)
	s.happen(t, "made", 1, 250, "a")
	one, two := follow(t, db, s.server.URL+"/feed"), follow(t, db, s.server.URL+"/feed")
	one.poll(t)
	if r := two.poll(t); r != (Result{}) {
		t.Errorf("instance that came later: %+v", r)
	}
	s.happen(t, "made", 251, 252, "a")
	one.poll(t)
	if r := two.poll(t); r != (Result{Ignored: 2}) {
		t.Errorf("other instance: %+v, want 2 already there", r)
	}
	if r := two.poll(t); !r.NotModified {
		t.Errorf("and again: %+v", r)
	}
}

// Five instances poll at once while the feed grows: every record is written once.
func TestInstancesAtOnceWriteOnce(t *testing.T) {
	s := publisher(t)
	db := consumerDB(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var total sync.Map
	for i := range 5 {
		c := follow(t, db, s.server.URL+"/feed")
		wg.Go(func() {
			written := 0
			for last := false; ; {
				r, err := c.Poll(context.Background())
				if err != nil {
					t.Error(err)
				}
				written += r.Written
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
		s.happen(t, "made", i*25+1, i*25+25, "a")
	}
	close(stop)
	wg.Wait()
	sum := 0
	total.Range(func(_, n any) bool { sum += n.(int); return true })
	c := follow(t, db, s.server.URL+"/feed")
	if n := c.count(t, "SELECT count(*) FROM record WHERE writes = 1"); n != 750 || sum != 750 {
		t.Errorf("%d records written once, instances wrote %d; want 750", n, sum)
	}
}

// A failure of the surroundings in the middle leaves the cursor with the records: both or neither.
func TestABrokenPollMovesNothing(t *testing.T) {
	s := publisher(t)
	s.happen(t, "made", 1, 250, "a")
	fail := true
	c := follow(t, consumerDB(t), s.server.URL+"/feed", func(ctx context.Context, tx *gorm.DB, entries []Entry) ([]int64, error) {
		written, err := keep(ctx, tx, entries)
		if fail && entries[0].Position > 100 {
			return nil, &net{}
		}
		return written, err
	})
	if _, err := c.Poll(context.Background()); err == nil {
		t.Error("no error")
	}
	if n, at := c.count(t, "SELECT count(*) FROM record"), c.count(t, "SELECT position FROM poll_cursor"); n != 100 || at != 100 {
		t.Errorf("%d records, cursor at %d; want the first document only", n, at)
	}
	if state := c.State(); state.Error == "" || state.Failures != 1 {
		t.Errorf("state %+v", state)
	}
	fail = false
	if r := c.poll(t); r.Written != 150 || c.State().Error != "" {
		t.Errorf("afterwards %+v, state %+v", r, c.State())
	}
}

// net is a connection that broke.
type net struct{}

func (*net) Error() string   { return "connection broke" }
func (*net) Timeout() bool   { return true }
func (*net) Temporary() bool { return true }

func TestOneThatCannotBeProcessedIsParked(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"the handler panics", "panic"},
		{"a constraint is violated", "longer than the twenty characters of the column"},
		{"a value that Postgres cannot store", "nul \x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := publisher(t)
			p := follow(t, consumerDB(t), s.server.URL+"/feed")
			s.happen(t, "made", 1, 3, "a")
			s.happen(t, "made", 4, 4, "a")
			snapshot, err := json.Marshal(map[string]any{"id": 4, "value": c.value})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.db.Exec("UPDATE feed_event SET snapshot = ? WHERE subject = 4", string(snapshot)).Error; err != nil {
				t.Fatal(err)
			}
			s.happen(t, "made", 5, 6, "a")
			if r := p.poll(t); r != (Result{Written: 5, Parked: 1}) {
				t.Fatalf("%+v", r)
			}
			if got := p.records(t); got != "1=a 2=a 3=a 5=a 6=a" {
				t.Errorf("records %s", got)
			}
			list, total, err := p.Parked(context.Background())
			if err != nil || total != 1 || list[0].Subject != 4 || list[0].Position != 4 || list[0].Error == "" || list[0].Attempts != 1 {
				t.Fatalf("parked %+v, %d, %v", list, total, err)
			}
			p.poll(t)
			if list, _, _ := p.Parked(context.Background()); list[0].Attempts != 1 {
				t.Error("tried again before its time")
			}
			p.now = p.now.Add(31 * time.Second)
			p.poll(t)
			list, _, _ = p.Parked(context.Background())
			if list[0].Attempts != 2 || list[0].NextTry.Sub(p.now) < 59*time.Second {
				t.Errorf("after the second try: %+v", list[0])
			}
		})
	}
}

// All three in one document: each is parked with its own error, and the others go on.
func TestSeveralAreParkedOutOfOneDocument(t *testing.T) {
	s := publisher(t)
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	for i, value := range []string{"a", "panic", "b", "longer than the twenty characters of the column", "c", "unreadable", "d"} {
		s.happen(t, "made", i+1, i+1, value)
	}
	if err := s.db.Exec(`UPDATE feed_event SET snapshot = '{"id": "six"}' WHERE subject = 6`).Error; err != nil {
		t.Fatal(err)
	}
	if r := c.poll(t); r != (Result{Written: 4, Parked: 3}) {
		t.Errorf("%+v", r)
	}
	list, _, err := c.Parked(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %.40s", p.Subject, p.Error)))
	}
	want := []string{"2 panic: cannot be processed", "4 ERROR: value too long for type character", "6 json: cannot unmarshal string into Go st"}
	if !slices.Equal(got, want) || c.records(t) != "1=a 3=b 5=c 7=d" {
		t.Errorf("parked %q, records %s", got, c.records(t))
	}
}

func TestParkedEntriesAreRetriedAndSkipped(t *testing.T) {
	s := publisher(t)
	broken := true
	c := follow(t, consumerDB(t), s.server.URL+"/feed", func(ctx context.Context, tx *gorm.DB, entries []Entry) ([]int64, error) {
		for _, e := range entries {
			if broken && e.Subject <= 3 {
				return nil, errors.New("not today")
			}
		}
		return keep(ctx, tx, entries)
	})
	s.happen(t, "made", 1, 4, "a")
	c.poll(t)
	s.happen(t, "changed", 3, 3, "b")
	c.poll(t)
	list, total, _ := c.Parked(context.Background())
	if total != 4 {
		t.Fatalf("%d parked, want 4", total)
	}
	broken = false
	if err := c.Skip(context.Background(), list[0].ID); err != nil {
		t.Error(err)
	}
	if r, err := c.Retry(context.Background(), list[1].ID); err != nil || r.Written != 1 {
		t.Errorf("retry: %+v, %v", r, err)
	}
	// The newer of two events about one record first: the older one then changes nothing.
	if _, err := c.Retry(context.Background(), list[3].ID); err != nil {
		t.Error(err)
	}
	c.now = c.now.Add(time.Hour)
	c.poll(t)
	if _, total, _ := c.Parked(context.Background()); total != 0 || c.records(t) != "2=a 3=b 4=a" {
		t.Errorf("%d parked, records %s", total, c.records(t))
	}
	for _, err := range []error{c.Skip(context.Background(), 99), func() error { _, err := c.Retry(context.Background(), 99); return err }()} {
		if err == nil {
			t.Error("an unknown parked entry is no error")
		}
	}
}

func TestAnotherLogIsReadFromTheStart(t *testing.T) {
	first, second := publisher(t), publisher(t)
	db := consumerDB(t)
	first.happen(t, "made", 1, 150, "first")
	follow(t, db, first.server.URL+"/feed").poll(t)
	second.happen(t, "made", 1, 120, "second")
	c := follow(t, db, second.server.URL+"/feed")
	if err := c.db.Create(&Parked{Feed: "thing", EntryID: "x", Epoch: "first", Position: 999, Subject: 1, Content: `{"id":1,"value":"parked"}`, Error: "e"}).Error; err != nil {
		t.Fatal(err)
	}
	if r := c.poll(t); r.Written != 120 {
		t.Errorf("%+v", r)
	}
	c.now = c.now.Add(24 * time.Hour) // what was parked of the first log is over with it
	c.poll(t)
	if n := c.count(t, "SELECT count(*) FROM record WHERE value = 'second'"); n != 120 {
		t.Errorf("%d records of the second log, want 120", n)
	}
}

// A log that was restored from a backup is shorter than it was. It is believed only after a while, as an instance that is
// a moment behind may have answered.
func TestAShorterLogIsReadAgain(t *testing.T) {
	s := publisher(t)
	db := consumerDB(t)
	s.happen(t, "made", 1, 10, "a")
	c := follow(t, db, s.server.URL+"/feed")
	c.poll(t)
	for _, sql := range []string{"DELETE FROM feed_position WHERE position > 5", "DELETE FROM feed_event WHERE id > 5"} {
		if err := s.db.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	s.happen(t, "made", 6, 6, "again")
	if r := c.poll(t); r.Written != 0 || c.count(t, "SELECT position FROM poll_cursor") != 10 {
		t.Errorf("at once: %+v", r)
	}
	c.now = c.now.Add(time.Minute)
	c.poll(t)
	if got, want := c.records(t), "1=a 2=a 3=a 4=a 5=a 6=again 7=a 8=a 9=a 10=a"; got != want {
		t.Errorf("records %s, want %s", got, want)
	}
	if at := c.count(t, "SELECT position FROM poll_cursor"); at != 6 {
		t.Errorf("cursor at %d, want 6", at)
	}
}

// A consumer that is far behind gets on with each poll, also when none reaches the end: it does not begin each with the whole way back.
func TestFarBehindOverABadConnection(t *testing.T) {
	s := publisher(t)
	s.happen(t, "made", 1, 150, "a")
	var asked atomic.Int64 // a poll that is broken off may still ask for what it reads ahead
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%8 == 0 {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		s.server.Config.Handler.ServeHTTP(w, r)
	}))
	defer bad.Close()
	db := consumerDB(t)
	c := follow(t, db, bad.URL+"/feed")
	c.poll(t)
	s.happen(t, "made", 151, 2150, "a")
	for polls := 0; ; polls++ {
		if polls == 20 {
			t.Fatalf("after %d polls at %d", polls, c.count(t, "SELECT position FROM poll_cursor"))
		}
		if polls == 2 {
			c = follow(t, db, bad.URL+"/feed") // another instance goes on there
		}
		if _, err := c.Poll(t.Context()); err == nil {
			break
		}
	}
	if n := c.count(t, "SELECT count(*) FROM record WHERE writes = 1"); n != 2150 {
		t.Errorf("%d records", n)
	}
}

// counting is keep, and notes how many entries each call was for.
func counting(calls *[]int) Handler {
	return func(ctx context.Context, tx *gorm.DB, entries []Entry) ([]int64, error) {
		*calls = append(*calls, len(entries))
		return keep(ctx, tx, entries)
	}
}

// A consumer that is far behind takes in several documents in one transaction, as long as they are not too large.
func TestFarBehindSeveralDocumentsAreTakenTogether(t *testing.T) {
	for _, c := range []struct {
		name, value string
		entries     int
		want        []int
	}{
		{"small", "a", 2250, []int{100, 1000, 1000, 150}},
		{"large", strings.Repeat("a", maxTogether/100), 250, []int{100, 100, 50}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := publisher(t)
			s.happen(t, "made", 1, c.entries, c.value)
			var calls []int
			p := follow(t, consumerDB(t), s.server.URL+"/feed", counting(&calls))
			if err := p.db.Exec("ALTER TABLE record ALTER value TYPE text").Error; err != nil {
				t.Fatal(err)
			}
			if r := p.poll(t); r.Written != c.entries || !slices.Equal(calls, c.want) {
				t.Errorf("%+v, by %v at once", r, calls)
			}
			if n := p.count(t, "SELECT count(*) FROM record WHERE writes = 1"); n != c.entries {
				t.Errorf("%d records", n)
			}
		})
	}
}

// What a consumer was told while it waited is not enough when its database was restored meanwhile.
func TestACursorThatWentBackWhileWaiting(t *testing.T) {
	s := publisher(t)
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	s.happen(t, "made", 1, 5, "a")
	c.poll(t)
	s.happen(t, "made", 6, 6, "a")
	news, err := c.news(t.Context())
	if err != nil || len(news.entries) != 1 {
		t.Fatalf("%+v, %v", news, err)
	}
	for _, sql := range []string{"UPDATE poll_cursor SET position = 2", "DELETE FROM record WHERE id > 2"} {
		if err := c.db.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	if r, err := c.Poller.poll(t.Context(), false, news); err != nil || r.Written != 4 || c.records(t) != "1=a 2=a 3=a 4=a 5=a 6=a" {
		t.Errorf("%+v, %v, records %s", r, err, c.records(t))
	}
}

// One that cannot be processed is found among many by halves, not by trying each alone.
func TestOneAmongManyIsFoundByHalves(t *testing.T) {
	s := publisher(t)
	s.happen(t, "made", 1, 611, "a")
	s.happen(t, "made", 612, 612, "panic")
	s.happen(t, "made", 613, 1200, "a")
	var calls []int
	c := follow(t, consumerDB(t), s.server.URL+"/feed", counting(&calls))
	if r := c.poll(t); r != (Result{Written: 1199, Parked: 1}) {
		t.Errorf("%+v", r)
	}
	if len(calls) > 30 {
		t.Errorf("the handler was called %d times: %v", len(calls), calls)
	}
}

// Who has the recent document reads only what is new in it. When the cursor was set back, that is not enough, and all is read.
func TestOnlyWhatIsNewIsRead(t *testing.T) {
	s := publisher(t)
	recent := 0 // the status of the last answer that was, or was to be, the recent document
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		s.server.Config.Handler.ServeHTTP(answer, r)
		if r.URL.Path == "/feed" {
			recent = answer.Code
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	defer between.Close()
	c := follow(t, consumerDB(t), between.URL+"/feed")
	s.happen(t, "made", 1, 150, "a")
	for _, step := range []struct {
		name    string
		do      func()
		written int
		recent  int
	}{
		{"at first", func() {}, 150, 200},
		{"one more", func() { s.happen(t, "made", 151, 151, "a") }, 1, 226},
		{"nothing new", func() {}, 0, 304},
		{"into the next document but one", func() { s.happen(t, "made", 152, 320, "a") }, 169, 200},
		{"changed", func() { s.happen(t, "changed", 7, 8, "b") }, 2, 226},
		{"set back", func() {
			for _, sql := range []string{"UPDATE poll_cursor SET position = 310", "DELETE FROM record WHERE id > 310"} {
				if err := c.db.Exec(sql).Error; err != nil {
					t.Fatal(err)
				}
			}
		}, 10, 200},
	} {
		step.do()
		if r := c.poll(t); r.Written != step.written || recent != step.recent {
			t.Errorf("%s: %+v, the last answer was %d", step.name, r, recent)
		}
	}
	if n := c.count(t, "SELECT count(*) FROM record"); n != 320 {
		t.Errorf("%d records", n)
	}
}

// A consumer whose own database was restored takes in again what is missing there, though its feed has not changed.
func TestACursorThatWentBack(t *testing.T) {
	s := publisher(t)
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	s.happen(t, "made", 1, 5, "a")
	c.poll(t)
	for _, sql := range []string{"UPDATE poll_cursor SET position = 2", "DELETE FROM record WHERE id > 2"} {
		if err := c.db.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	if r := c.poll(t); r.Written != 3 || c.records(t) != "1=a 2=a 3=a 4=a 5=a" {
		t.Errorf("%+v, records %s", r, c.records(t))
	}
}

// A consumer that waits takes in what happens without the clock, which here would ask again in an hour.
func TestWaitingForNews(t *testing.T) {
	s := publisher(t)
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	for i := range 3 {
		s.happen(t, "made", i+1, i+1, "a")
		for end := time.Now().Add(time.Minute); c.count(t, "SELECT count(*) FROM record") <= i; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("record %d was not written; state %+v", i+1, c.State())
			}
		}
	}
	cancel()
	<-done
}

// Waiting is for another document than the one that the last poll read, in the same encoding.
func TestWaitingWithoutNews(t *testing.T) {
	s := publisher(t)
	s.happen(t, "made", 1, 3, "a")
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	c.poll(t)
	if recent, supported, err := c.client.news(t.Context(), c.cfg.FeedURL, c.had, time.Second); recent != nil || !supported || err != nil {
		t.Errorf("%+v, supported %v, %v", recent, supported, err)
	}
}

// Where the feed does not hold requests, waiting is left to the clock.
func TestAFeedThatCannotWait(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"answers at once": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) },
		"fails":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
	} {
		server := httptest.NewServer(serve)
		c := follow(t, consumerDB(t), server.URL+"/feed")
		c.had.etag = `"x"`
		if recent, err := c.news(context.Background()); recent != nil || err != nil {
			t.Errorf("%s: polled again without news: %v", name, err)
		}
		server.Close()
	}
}

package poll

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
)

func (c *consumer) status(t testing.TB) Status {
	t.Helper()
	s, err := c.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each way in which nothing arrives is said in a sentence.
func TestWhyNothingArrives(t *testing.T) {
	s := publisher(t)
	down := false
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(502)
			return
		}
		s.server.Config.Handler.ServeHTTP(w, r)
	}))
	defer door.Close()
	c := follow(t, consumerDB(t), door.URL+"/feed")
	says := func(what string, position, head, behind int64) {
		t.Helper()
		got := c.status(t)
		if !strings.Contains(got.Why, what) || got.Position != position || got.Head != head || got.Behind != behind {
			t.Errorf("at %d of %d, %d behind: %q; want %q", got.Position, got.Head, got.Behind, got.Why, what)
		}
	}
	says("has not polled yet", 0, 0, 0)
	c.poll(t)
	says("nothing has been published yet", 0, 0, 0)
	s.happen(t, "made", 1, 3, "a")
	c.poll(t)
	says("All that is in the feed has been processed", 3, 3, 0)
	c.poll(t)
	if got := c.status(t); !got.Polls.Result.NotModified || got.MovedBy != "test" || got.MovedAt == nil || got.Epoch == "" {
		t.Errorf("after a 304: %+v", got)
	}
	if err := c.db.Exec("UPDATE poll_cursor SET position = 1").Error; err != nil {
		t.Fatal(err)
	}
	says("2 entries of the feed are still to be processed", 1, 3, 2)
	c.poll(t)
	s.happen(t, "made", 4, 4, "panic")
	c.poll(t)
	says("1 could not be processed", 4, 4, 0)
	if n := parkedGauge("thing").Get(); n != 1 || c.Detail()["parked"] != int64(1) {
		t.Errorf("metrics count %v parked, readyz says %v", n, c.Detail())
	}
	down = true
	if _, err := c.Poll(context.Background()); err == nil {
		t.Error("polled a feed that is away")
	}
	says("cannot be read since", 4, 4, 0)
	if why := c.status(t).Why; !strings.Contains(why, door.URL) || !strings.Contains(why, "502") {
		t.Errorf("%q names neither address nor error", why)
	}
}

// Instances know of one another, and forget those that have gone.
func TestPeers(t *testing.T) {
	s := publisher(t)
	db := consumerDB(t)
	one, two := follow(t, db, s.server.URL+"/feed"), follow(t, db, s.server.URL+"/feed")
	one.cfg.Instance, two.cfg.Instance = "one", "two"
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, c := range []*consumer{one, two} {
		running.Go(func() { c.Run(ctx) })
	}
	told := func() (told string) {
		for _, p := range one.status(t).Peers {
			told += fmt.Sprintf("%s %t, ", p.Instance, p.LastPoll != nil && p.Outcome != "" && !p.Failing)
		}
		return told
	}
	const both = "one true, two true, "
	for end := time.Now().Add(time.Minute); told() != both || !one.status(t).Polls.Held; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("peers are %q, polls %+v", told(), one.status(t).Polls)
		}
	}
	cancel()
	running.Wait()
	if err := one.db.Exec("UPDATE poll_instance SET seen = seen - interval '46 seconds' WHERE instance = 'two'").Error; err != nil {
		t.Fatal(err)
	}
	if got := told(); strings.Contains(got, "two") {
		t.Errorf("a peer that has gone: %q", got)
	}
	if err := one.tellPeers(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := one.count(t, "SELECT count(*) FROM poll_instance"); n != 1 {
		t.Errorf("%d rows of instances", n)
	}
}

// A poll without news asks the database once, and changes nothing there.
func TestAPollWithoutNewsIsOneStatement(t *testing.T) {
	s := publisher(t)
	s.happen(t, "made", 1, 3, "a")
	c := follow(t, consumerDB(t), s.server.URL+"/feed")
	c.poll(t)
	var statements []string
	record := func(db *gorm.DB) { statements = append(statements, db.Statement.SQL.String()) }
	for _, err := range []error{
		c.db.Callback().Query().After("*").Register("test", record), c.db.Callback().Row().After("*").Register("test", record),
		c.db.Callback().Create().After("*").Register("test", record), c.db.Callback().Raw().After("*").Register("test", record),
		c.db.Callback().Update().After("*").Register("test", record), c.db.Callback().Delete().After("*").Register("test", record),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if r := c.poll(t); !r.NotModified || len(statements) != 1 || !strings.HasPrefix(statements[0], "SELECT") {
		t.Errorf("%+v by %q", r, statements)
	}
}

// A log that was restored, and another log in place of it: read from the start, once per record, and said.
func TestAnotherLogIsSaid(t *testing.T) {
	first, second := publisher(t), publisher(t)
	first.happen(t, "made", 1, 250, "a")
	second.happen(t, "made", 1, 120, "b")
	now := first
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.server.Config.Handler.ServeHTTP(w, r) }))
	defer door.Close()
	db := consumerDB(t)
	c, late := follow(t, db, door.URL+"/feed"), follow(t, db, door.URL+"/feed")
	c.poll(t)
	if s := c.status(t); s.Restart != nil || s.Because != "" {
		t.Errorf("a first log is no restart: %v %s", s.Restart, s.Because)
	}
	// Restored from a backup at position 180, and gone on from there.
	for _, sql := range []string{"DELETE FROM feed_position WHERE position > 180", "DELETE FROM feed_event WHERE id > 180"} {
		if err := first.db.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	first.happen(t, "made", 181, 190, "again")
	c.poll(t)
	c.now = c.now.Add(time.Minute)
	c.poll(t)
	if s := c.status(t); s.Position != 190 || s.Restart == nil || !strings.Contains(s.Because, "it ended at 190, where it had come to 250 before") {
		t.Errorf("a restored log: at %d, %v %s", s.Position, s.Restart, s.Because)
	}
	if n := c.count(t, "SELECT count(*) FROM record WHERE id BETWEEN 181 AND 190 AND value = 'again'"); n != 10 {
		t.Errorf("%d of 10 records of the new entries", n)
	}
	now = second
	c.poll(t)
	late.poll(t)
	if s := late.status(t); s.Position != 120 || s.Because != "the feed is another log than before" {
		t.Errorf("another log: at %d, %s", s.Position, s.Because)
	}
	if n := c.count(t, "SELECT count(*) FROM record WHERE id <= 120 AND value = 'b'"); n != 120 {
		t.Errorf("%d records of the other log", n)
	}
}

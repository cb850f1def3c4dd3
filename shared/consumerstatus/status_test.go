package consumerstatus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/follow"
	"msatom/shared/follow/followtest"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/reconcile"
)

// consumer is an instance that saves nothing, and refuses some entries.
type consumer struct {
	*Consumer
	db  *postgres.DB
	now time.Time
}

// consume returns an instance that follows a feed.
func consume(t testing.TB, url, instance, feedURL string) *consumer {
	t.Helper()
	c := &consumer{db: pgtest.At(t, url, append(follow.Migrations(), reconcile.Migration(), Migration())...), now: time.Now()}
	f, err := follow.New(c.db.DB, follow.Config{
		FeedURL: feedURL, Schedule: "@every 1h", Wait: 50 * time.Second, Feed: "thing", Record: "record", Instance: instance,
		Now: func() time.Time { return c.now },
		Save: func(tx *gorm.DB, entries []follow.Entry) (saved []int64, err error) {
			for _, e := range entries {
				if strings.Contains(string(e.Content), "poison") {
					return nil, errors.New("not <b>today</b>")
				}
				saved = append(saved, e.Subject)
			}
			return saved, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Consumer = New("things", c.db.DB, f, reconcile.New(c.db.DB, f, reconcile.Table{Name: "thing", Subject: "id"}))
	return c
}

func (c *consumer) poll(t testing.TB) {
	t.Helper()
	if _, err := c.follower.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c *consumer) status(t testing.TB) Status {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *consumer) exec(t testing.TB, sql string) {
	t.Helper()
	if err := c.db.Exec(sql).Error; err != nil {
		t.Fatal(err)
	}
}

// The status says in a sentence why nothing more has arrived.
func TestWhyNothingArrives(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	down := false
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(502)
			return
		}
		s.ServeHTTP(w, r)
	}))
	defer door.Close()
	c := consume(t, pgtest.URL(t), "test", door.URL+"/feed")
	says := func(what string, position, head, lag int64) {
		t.Helper()
		got := c.status(t)
		if !strings.Contains(got.Why, what) || got.Position != position || got.Head != head || got.Lag != lag {
			t.Errorf("at %d of %d, lag %d: %q; want %q", got.Position, got.Head, got.Lag, got.Why, what)
		}
	}
	says("test has not polled yet", 0, 0, 0)
	c.poll(t)
	says("nothing has been published yet", 0, 0, 0)
	s.Happen(t, "made", 1, 3, "a")
	c.poll(t)
	says("All entries that the last poll found have been processed", 3, 3, 0)
	c.poll(t)
	if got := c.status(t); !got.Polls.Result.NotModified || got.MovedBy != "test" || got.MovedAt == nil || got.Epoch == "" {
		t.Errorf("after a 304: %+v", got)
	}
	c.exec(t, "UPDATE follow_cursor SET position = 1")
	says("Consumer lag: 2 entries are still to be processed", 1, 3, 2)
	c.poll(t)
	s.Happen(t, "made", 4, 4, "poison")
	c.poll(t)
	says("1 could not be processed: see the dead letters", 4, 4, 0)
	if got := c.Detail()["deadLetters"]; got != int64(1) {
		t.Errorf("readyz says %v", got)
	}
	down = true
	if _, err := c.follower.Poll(context.Background()); err == nil {
		t.Error("polled a feed that is away")
	}
	says("retries with backoff", 4, 4, 0)
	if why := c.status(t).Why; !strings.Contains(why, door.URL) || !strings.Contains(why, "502") {
		t.Errorf("%q names neither address nor error", why)
	}
}

// Instances know of one another, and forget those that have gone.
func TestInstances(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	url := pgtest.URL(t)
	one, two := consume(t, url, "one", s.URL), consume(t, url, "two", s.URL)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, c := range []*consumer{one, two} {
		running.Go(func() { c.follower.Run(ctx) })
		running.Go(func() { c.Run(ctx) })
	}
	told := func() (told string) {
		for _, i := range one.status(t).Instances {
			told += fmt.Sprintf("%s %t, ", i.Instance, i.LastPoll != nil && i.Outcome != "" && !i.Failing)
		}
		return told
	}
	const both = "one true, two true, "
	for end := time.Now().Add(time.Minute); told() != both || !one.status(t).Polls.Waiting; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("instances are %q, polls %+v", told(), one.status(t).Polls)
		}
	}
	cancel()
	running.Wait()
	one.exec(t, "UPDATE follow_instance SET seen = seen - interval '46 seconds' WHERE instance = 'two'")
	if got := told(); strings.Contains(got, "two") {
		t.Errorf("an instance that has gone: %q", got)
	}
	if err := one.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := one.db.Raw("SELECT count(*) FROM follow_instance").Scan(&n).Error; err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// The status says when and why a log was read again from its start.
func TestRestartIsReported(t *testing.T) {
	t.Parallel()
	first, second := followtest.New(t), followtest.New(t)
	first.Happen(t, "made", 1, 250, "a")
	second.Happen(t, "made", 1, 120, "b")
	now := first
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.ServeHTTP(w, r) }))
	defer door.Close()
	c := consume(t, pgtest.URL(t), "test", door.URL+"/feed")
	c.poll(t)
	if s := c.status(t); s.RestartedAt != nil || s.RestartedBecause != "" {
		t.Errorf("a first log is not a restart: %v %s", s.RestartedAt, s.RestartedBecause)
	}
	// The publisher's database is restored from a backup at position 180 and goes on from there.
	for _, sql := range []string{"DELETE FROM outbox_position WHERE position > 180", "DELETE FROM outbox_event WHERE id > 180"} {
		if err := first.DB.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	first.Happen(t, "made", 181, 190, "again")
	c.poll(t)
	c.now = c.now.Add(time.Minute)
	c.poll(t)
	if s := c.status(t); s.Position != 190 || s.RestartedAt == nil || !strings.Contains(s.RestartedBecause, "it ended at entry 190, but had reached entry 250 before") {
		t.Errorf("a restored log: at %d, %v %s", s.Position, s.RestartedAt, s.RestartedBecause)
	}
	now = second
	c.poll(t)
	if s := c.status(t); s.Position != 120 || s.RestartedBecause != "the feed was replaced by a different one" {
		t.Errorf("another log: at %d, %s", s.Position, s.RestartedBecause)
	}
}

package feed

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

// What was published through an instance is found there at once, at another at once by who asks anew, and soon by everybody
// else: also where no notifications are heard.
func TestWhatIsPublishedIsFound(t *testing.T) {
	url := pgtest.URL(t)
	one, two := run(t, pgtest.At(t, url, Migration())), run(t, pgtest.At(t, url, Migration()))
	deaf := NewLog(pgtest.At(t, url, Migration()), about)
	var err error
	if deaf.notify, err = postgres.Open(postgres.Config{URL: "postgres://nobody@127.0.0.1:1/none"}); err != nil {
		t.Fatal(err)
	}
	start(t, deaf)
	for i := range 60 {
		fill(t, one, 1)
		head, _ := one.Head()
		want := fmt.Sprintf(`"%.8s-%d-recent-atom"`, head.Epoch, i+1)
		shown := func(l *Log, header ...string) bool { return get(t, l, 0, header...).Header().Get("ETag") == want }
		if !shown(one) {
			t.Errorf("event %d is not found where it was published", i+1)
		}
		switch i % 3 {
		case 0:
			until(t, "found at the other", func() bool { return shown(two) })
		case 1:
			if anew := []string{"Cache-Control", "max-age=0, No-Cache"}; !shown(two, anew...) || !shown(deaf, anew...) {
				t.Errorf("event %d is not found by who asks anew", i+1)
			}
		case 2:
			if i < 10 {
				until(t, "found where nothing is heard", func() bool { return shown(deaf) })
			}
		}
		one, two = two, one
	}
}

// A head is believed for a second, and not when something was heard after it was asked for.
func TestTrust(t *testing.T) {
	for _, c := range []struct {
		name  string
		ago   time.Duration
		heard []string
		want  bool
	}{
		{"just asked", 0, nil, true},
		{"a moment ago", trust - 1, nil, true},
		{"a second ago", trust, nil, false},
		{"its own notification", 0, []string{"3"}, true},
		{"an older notification", 0, []string{"2"}, true},
		{"another's", 0, []string{"4"}, false},
		{"another's, then its own", 0, []string{"4", "3"}, false},
		{"anything", 0, []string{""}, false},
	} {
		synctest.Test(t, func(t *testing.T) { // time stands still but for Sleep
			head := Head{Position: 3, asked: time.Now()}
			l := &Log{head: &head}
			time.Sleep(c.ago)
			for _, position := range c.heard {
				l.heard(position)
			}
			if _, got := l.trusted(); got != c.want {
				t.Errorf("%s: %t", c.name, got)
			}
		})
	}
}

// A reader who leaves before the head was asked for is no reason for others to ask again; a writer who does not hear whether
// its event was published is.
func TestWhoLeavesLeavesNoDoubt(t *testing.T) {
	l := &Log{requests: make(chan chan<- error, 100), ended: make(chan struct{})} // nobody runs it
	head := Head{Position: 3, asked: time.Now()}
	l.move(&head)
	left, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequest("GET", "/", nil).WithContext(left)
	r.Header.Set("Cache-Control", "no-cache")
	if _, err := l.latest(r, 0, math.MaxInt64); err == nil || !l.doubted.IsZero() {
		t.Errorf("a reader: %v, doubted at %v", err, l.doubted)
	}
	err := l.Publish(left)
	if _, trusted := l.trusted(); err == nil || trusted {
		t.Errorf("a writer: %v, doubted at %v", err, l.doubted)
	}
}

// The database is not asked for each reader, but on every tick.
func TestReadersAreAnsweredFromMemory(t *testing.T) {
	db := pgtest.Open(t, Migration())
	var asked atomic.Int64
	if err := db.Callback().Row().Register("count", func(*gorm.DB) { asked.Add(1) }); err != nil {
		t.Fatal(err)
	}
	l := run(t, db)
	fill(t, l, 150)
	etag := get(t, l, 0).Header().Get("ETag")
	before, began := asked.Load(), time.Now()
	for range 2000 {
		if w := get(t, l, 0, "If-None-Match", etag); w.Code != 304 {
			t.Fatal(w.Code)
		}
	}
	n, took := asked.Load()-before, time.Since(began)
	// Where the machine stops for a while, readers find a head that is too old; and LISTEN may begin meanwhile.
	if ticks, stops := int64(took/tick)+2, int64(took/trust); n > ticks+stops+1 {
		t.Errorf("the database was asked %d times in %v, for %d ticks and %d heads that were too old", n, took, ticks, stops)
	}
	until(t, "the tick asks", func() bool { return asked.Load() > before+3 })
}

// What is to be published soon is, and nobody is held up by that.
func TestSoon(t *testing.T) {
	l := NewLog(pgtest.Open(t, Migration()), about) // nobody runs it yet
	for range 2 * cap(l.requests) {
		l.Soon()
	}
	start(t, l)
	for i := range int64(20) {
		if err := l.Append(l.db, Event{Subject: i, Kind: "made", Snapshot: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		l.Soon()
		until(t, "published", func() bool { h, _ := l.Head(); return h.Position == i+1 })
	}
}

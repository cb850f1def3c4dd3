package feed

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/outbox"
	"msatom/shared/postgres/pgtest"
)

// What an instance has published is in its feed at once. At another instance it is there at once for readers that send
// "Cache-Control: no-cache", and soon for everybody else.
func TestPublishedEventsAreInTheFeed(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	one, two := run(t, pgtest.At(t, url, outbox.Migration())), run(t, pgtest.At(t, url, outbox.Migration()))
	for i := range 60 {
		fill(t, one, 1)
		head, _ := one.Head()
		want := fmt.Sprintf(`"%.8s-%d-recent-atom"`, head.Epoch, i+1)
		shows := func(l *instance, header ...string) bool { return get(t, l, 0, header...).Header().Get("ETag") == want }
		if !shows(one) {
			t.Errorf("event %d is missing where it was published", i+1)
		}
		if i%2 == 0 {
			until(t, "at the other instance", func() bool { return shows(two) })
		} else if !shows(two, "Cache-Control", "max-age=0, No-Cache") {
			t.Errorf("event %d is missing for a reader that sends no-cache", i+1)
		}
		one, two = two, one
	}
}

// The database is queried on every tick, not for each reader.
func TestReadersAreAnsweredFromMemory(t *testing.T) {
	db := pgtest.Open(t, outbox.Migration())
	var queries atomic.Int64
	if err := db.Callback().Row().Register("count", func(*gorm.DB) { queries.Add(1) }); err != nil {
		t.Fatal(err)
	}
	l := run(t, db)
	fill(t, l, 150)
	etag := get(t, l, 0).Header().Get("ETag")
	before, began := queries.Load(), time.Now()
	for range 2000 {
		if w := get(t, l, 0, "If-None-Match", etag); w.Code != 304 {
			t.Fatal(w.Code)
		}
	}
	n, took := queries.Load()-before, time.Since(began)
	// If the machine stalls, readers find a head that is not fresh; and LISTEN may begin meanwhile.
	const tick, trust = 500 * time.Millisecond, time.Second
	if ticks, stalls := int64(took/tick)+2, int64(took/trust); n > ticks+stalls+1 {
		t.Errorf("%d queries in %v, for %d ticks and %d stalls", n, took, ticks, stalls)
	}
	until(t, "a tick queries", func() bool { return queries.Load() > before+3 })
}

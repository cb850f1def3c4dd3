package feed

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"msatom/shared/outbox"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/problem"
)

func TestEventTimeout(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"": 0, "0": 0, "5000": 5 * time.Second, "50000": MaxWait, "50001": MaxWait, "18446744073709551615": MaxWait, "99999999999999999999999": MaxWait,
		"-1": -1, "5s": -1, "1e3": -1, "1.5": -1, "+1": -1, " 1": -1, "null": -1, "0x10": -1, "1_000": -1,
	} {
		var faults problem.Faults
		if got := eventTimeout(s, &faults); (want < 0) != (faults.Err() != nil) || want >= 0 && got != want {
			t.Errorf("%q: %v %v, want %v", s, got, faults, want)
		}
	}
}

// events requests the events after a position. The answer arrives on the channel.
func events(t testing.TB, l *instance, position int64, timeout string) <-chan *httptest.ResponseRecorder {
	t.Helper()
	head, _ := l.Head()
	q := url.Values{"timeout": {timeout}}
	if position > 0 {
		q.Set("lastEventId", l.EntryID(head.Epoch, position))
	}
	r := httptest.NewRequest("GET", "http://thing.test:8080/thing/feed?"+q.Encode(), nil)
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		if err := l.serveEvents(w, r, CloudEvents.Types[0]); err != nil {
			t.Error(err)
		}
		answer <- w
	}()
	return answer
}

// Readers of events wait like readers of documents: any instance wakes them, and a stopping service releases them.
func TestEventsAreWaitedFor(t *testing.T) {
	database := pgtest.URL(t)
	l := newInstance(pgtest.At(t, database, outbox.Migration()), about)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	publish(t, l)
	other := run(t, pgtest.At(t, database, outbox.Migration()))

	a := events(t, l, 0, "99999999999999999999")
	until(t, "waiting", func() bool { return waiting(l) == 1 })
	fill(t, other, 1)
	w := <-a
	var list []map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 1 || w.Header().Get("Preference-Applied") != "" {
		t.Fatalf("%v %v %s", err, w.Header(), w.Body)
	}
	head, _ := l.Head()
	checkEvent(t, list[0], head.Epoch, 1)

	a = events(t, l, 1, "50000")
	until(t, "waiting", func() bool { return waiting(l) == 1 })
	stop()
	running.Wait()
	if w := <-a; w.Code != 200 || w.Body.String() != "[]\n" {
		t.Errorf("when the service stops: %d %s", w.Code, w.Body)
	}
}

// If one instance has shown an event or a document, no other instance denies that it exists.
func TestWhatOneInstanceToldAnotherKnows(t *testing.T) {
	database := pgtest.URL(t)
	one, two := run(t, pgtest.At(t, database, outbox.Migration())), run(t, pgtest.At(t, database, outbox.Migration()))
	for i := range int64(60) {
		get(t, two, 0) // so that its head is fresh
		fill(t, one, 5)
		if w := <-events(t, two, (i+1)*5, "0"); w.Code != 200 {
			t.Errorf("event %d: %d", (i+1)*5, w.Code)
		}
		head, _ := one.Head()
		get(t, two, lastDocument(head))
	}
}

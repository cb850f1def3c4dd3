// Package followtest publishes a feed for tests of a follower: a real log in a database of its own, served over HTTP.
package followtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"msatom/shared/feed"
	"msatom/shared/outbox"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/problem"
)

// Publisher is a service that publishes things.
type Publisher struct {
	*outbox.Log
	feed *feed.Feed
	DB   *postgres.DB
	URL  string // of the recent document
	http.Handler
}

// New returns a publisher that ends with the test.
func New(t testing.TB) *Publisher {
	t.Helper()
	db := pgtest.At(t, pgtest.URL(t), outbox.Migration()) // not cloned: each log has an epoch of its own
	log := outbox.New(db)
	p := &Publisher{DB: db, Log: log, feed: feed.New(log, feed.About{Name: "thing", Path: "/feed", Home: "/", Title: "Things",
		Describe: func(e outbox.Entry) (string, string, string) {
			return "thing", "a thing", fmt.Sprintf("/thing/%d", e.Subject)
		}})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	p.publish(t)
	p.Handler = http.HandlerFunc(p.serve)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL + "/feed"
	return p
}

func (p *Publisher) serve(w http.ResponseWriter, r *http.Request) {
	n := int64(0)
	if _, err := fmt.Sscanf(r.URL.Path, "/feed/%d", &n); err != nil && r.URL.Path != "/feed" {
		http.NotFound(w, r)
		return
	}
	mediaType := "application/json"
	if strings.HasPrefix(r.Header.Get("Accept"), "application/atom+xml") {
		mediaType = "application/atom+xml"
	}
	if err := p.feed.Serve(w, r, n, mediaType); err != nil {
		status := http.StatusServiceUnavailable
		if p := new(problem.Error); errors.As(err, &p) {
			status = p.Status
		}
		http.Error(w, err.Error(), status)
	}
}

// publish waits until everything is published, also if that takes longer than Publish waits.
func (p *Publisher) publish(t testing.TB) {
	t.Helper()
	err := p.Publish(t.Context())
	for errors.Is(err, context.DeadlineExceeded) {
		err = p.Publish(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Happen publishes one event for each of the subjects from..to, with the snapshot {"id": subject, "value": value}.
func (p *Publisher) Happen(t testing.TB, kind string, from, to int, value string) {
	t.Helper()
	var events []outbox.Event
	for i := from; i <= to; i++ {
		snapshot, err := json.Marshal(map[string]any{"id": i, "value": value})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, outbox.Event{Subject: int64(i), Kind: kind, Snapshot: snapshot})
	}
	if err := p.Append(p.DB.DB, events...); err != nil {
		t.Fatal(err)
	}
	p.publish(t)
}

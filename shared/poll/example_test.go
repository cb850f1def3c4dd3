package poll_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing/fstest"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/poll"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

// parcels publishes parcels of these weights, and returns the address of the feed.
func parcels(t *pgtest.Example, weights ...int) string {
	ctx, stop := context.WithCancel(context.Background())
	db := pgtest.Open(t, feed.Migration())
	log := feed.NewLog(db, feed.About{
		Name: "parcel", Path: "/parcel/feed", Home: "/parcel/", Title: "Parcels", Author: "The post",
		Describe: func(e feed.Entry) (title, summary, path string) {
			return fmt.Sprintf("Parcel %d", e.Subject), "", fmt.Sprintf("/parcel/%d", e.Subject)
		},
	})
	go log.Run(ctx)
	t.Cleanup(stop)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(strings.TrimPrefix(r.URL.Path, "/parcel/feed/"), 10, 64)
		mediaType := "application/atom+xml"
		if strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
			mediaType = "application/json"
		}
		if err := log.Serve(w, r, n, mediaType); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	var events []feed.Event
	for i, weight := range weights {
		events = append(events, feed.Event{Subject: int64(i + 1), Kind: "sent", Snapshot: fmt.Appendf(nil, `{"id":%d,"weight":%d}`, i+1, weight)})
	}
	if err := db.Transaction(func(tx *gorm.DB) error { return log.Append(tx, events...) }); err != nil {
		t.Fatal(err)
	}
	if err := log.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	return server.URL + "/parcel/feed"
}

// receipts is the table of the consumer of these examples.
var receipts = postgres.Files("receipts", fstest.MapFS{"migrations/0001_receipt.sql": {Data: []byte(
	"-- +goose Up\nCREATE TABLE receipt (parcel bigint PRIMARY KEY, weight int NOT NULL);")}})

// A feed is followed: what is new is handed to a function, once.
func ExamplePoller() {
	var t pgtest.Example
	defer t.Done()
	db := pgtest.Open(&t, poll.Migration())
	config := poll.Config{Source: poll.Source{FeedURL: parcels(&t, 5, 3), Schedule: "@every 30s"}, Feed: "parcel", Record: "receipt", Instance: "post-1"}

	poller, err := poll.New(db.DB, config, func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		for _, e := range entries {
			fmt.Println("position", e.Position, "parcel", e.Subject, e.Kind)
			written = append(written, e.Subject)
		}
		return written, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // a service lets poller.Run do it
		result, err := poller.Poll(context.Background())
		fmt.Println(result, err)
	}

	// Output:
	// position 1 parcel 1 sent
	// position 2 parcel 2 sent
	// 2 written, 0 already there <nil>
	// nothing new (304) <nil>
}

// The cursor moves in the transaction in which the Handler writes: what breaks off leaves neither, and two instances do the work once.
func ExampleHandler() {
	var t pgtest.Example
	defer t.Done()
	db := pgtest.Open(&t, poll.Migration(), receipts)
	config := poll.Config{Source: poll.Source{FeedURL: parcels(&t, 5, 3), Schedule: "@every 30s"}, Feed: "parcel", Record: "receipt"}
	breakOff := true
	var handler poll.Handler = func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		for _, e := range entries {
			var parcel struct{ Weight int }
			if err := json.Unmarshal(e.Content, &parcel); err != nil {
				return nil, err
			}
			if err := tx.Exec("INSERT INTO receipt VALUES (?, ?)", e.Subject, parcel.Weight).Error; err != nil {
				return nil, err
			}
			if breakOff {
				return nil, context.DeadlineExceeded
			}
			written = append(written, e.Subject)
		}
		return written, nil
	}
	for _, instance := range []string{"post-1", "post-2", "post-1"} {
		config.Instance = instance
		poller, err := poll.New(db.DB, config, handler)
		if err != nil {
			fmt.Println(err)
			return
		}
		result, err := poller.Poll(context.Background())
		breakOff = false
		var rows, cursor int
		db.Raw("SELECT (SELECT count(*) FROM receipt), (SELECT position FROM poll_cursor)").Row().Scan(&rows, &cursor)
		fmt.Println(instance, "wrote", result.Written, err, "- receipts:", rows, "cursor:", cursor)
	}

	// Output:
	// post-1 wrote 0 context deadline exceeded - receipts: 0 cursor: 0
	// post-2 wrote 2 <nil> - receipts: 2 cursor: 2
	// post-1 wrote 0 <nil> - receipts: 2 cursor: 2
}

// An entry that the Handler refuses is parked, the others go on. It is tried again later, or now.
func ExamplePoller_Parked() {
	var t pgtest.Example
	defer t.Done()
	db := pgtest.Open(&t, poll.Migration())
	config := poll.Config{Source: poll.Source{FeedURL: parcels(&t, 5, 90, 3), Schedule: "@every 30s"}, Feed: "parcel", Record: "receipt", Instance: "post-1"}
	limit := 50
	poller, err := poll.New(db.DB, config, func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		for _, e := range entries {
			var parcel struct{ Weight int }
			if err := json.Unmarshal(e.Content, &parcel); err != nil {
				return nil, err
			}
			if parcel.Weight > limit {
				return nil, errors.New("too heavy")
			}
			written = append(written, e.Subject)
		}
		return written, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(poller.Poll(ctx))
	parked, total, err := poller.Parked(ctx)
	if err != nil || total != 1 {
		fmt.Println(total, err)
		return
	}
	fmt.Println("parcel", parked[0].Subject, "-", parked[0].Error)

	limit = 100 // somebody mends the program, and presses Retry
	fmt.Println(poller.Retry(ctx, parked[0].ID))

	// Output:
	// 2 written, 0 already there, 1 parked <nil>
	// parcel 2 - too heavy
	// 1 written, 0 already there <nil>
}

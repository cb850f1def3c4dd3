package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/postgres/pgtest"
)

// A feed is published: events are written in the transaction of what they are about, and read over HTTP.
func ExampleLog() {
	var t pgtest.Example
	defer t.Done()
	db := pgtest.Open(&t, feed.Migration())
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	log := feed.NewLog(db, feed.About{
		Name: "parcel", Path: "/parcel/feed", Home: "/parcel/", Title: "Parcels", Author: "The post",
		Describe: func(e feed.Entry) (title, summary, path string) {
			return fmt.Sprintf("Parcel %d %s", e.Subject, e.Kind), "A parcel on its way", fmt.Sprintf("/parcel/%d", e.Subject)
		},
	})
	go log.Run(ctx) // gives events their positions, in one instance at a time

	for _, kind := range []string{"sent", "delivered"} {
		err := db.Transaction(func(tx *gorm.DB) error {
			// Here the parcel's own row is written too.
			return log.Append(tx, feed.Event{Subject: 7, Kind: kind, Snapshot: json.RawMessage(`{"id":7,"weight":2}`)})
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	if err := log.Publish(ctx); err != nil { // only for who wants to see it in the feed at once
		fmt.Println(err)
	}

	// A service has these addresses by feedweb.New.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := log.Serve(w, r, 0, "application/feed+json"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	res, err := http.Get(server.URL + "/parcel/feed")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	var document feed.JSONFeed
	if err := json.NewDecoder(res.Body).Decode(&document); err != nil {
		fmt.Println(err)
	}
	for _, item := range document.Items {
		fmt.Println(item.Event.Position, item.Title)
	}

	// Output:
	// 2 Parcel 7 delivered
	// 1 Parcel 7 sent
}

package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/web"
)

// example takes the place of *testing.T. Its database goes with the server.
type example struct{ testing.TB }

func (example) Helper()           {}
func (example) Cleanup(func())    {}
func (example) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// A service appends events in the transactions of its changes, and publishes them as a feed.
func ExampleFeed() {
	db := pgtest.Open(example{}, outbox.Migration())
	defer db.Pool.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	log := outbox.New(db)
	pages := page.New("parcel", "parcel-1", feed.Page)
	published := feed.New(log, feed.About{
		Name: "parcel", Path: "/parcel/feed", Home: "/parcel/", Title: "Parcels", Author: "The post", Pages: pages,
		Describe: func(e outbox.Entry) (title, summary, path string) {
			return fmt.Sprintf("Parcel %d %s", e.Subject, e.Kind), "A parcel on its way", fmt.Sprintf("/parcel/%d", e.Subject)
		},
	})
	go log.Run(ctx) // assigns positions

	for _, kind := range []string{"sent", "delivered"} {
		err := db.Transaction(func(tx *gorm.DB) error {
			// A service writes the parcel's own row here too.
			return log.Append(tx, outbox.Event{Subject: 7, Kind: kind, Snapshot: json.RawMessage(`{"id":7,"weight":2}`)})
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	if err := log.Publish(ctx); err != nil { // so that the events are in the feed when it returns
		fmt.Println(err)
	}

	e := web.New(web.Options{Service: "parcel", Instance: "parcel-1", Pages: pages, Ready: func() (bool, string) { return true, "" }})
	published.Routes(e)
	server := httptest.NewServer(e)
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+"/parcel/feed", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Accept", "application/feed+json")
	res, err := http.DefaultClient.Do(r)
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

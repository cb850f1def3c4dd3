package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"msatom/shared/feed"
	"msatom/shared/poll"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func database(t *testing.T) *postgres.DB {
	t.Helper()
	return pgtest.Open(t, poll.Migration(), feed.Migration(), postgres.Files("invoicing", files))
}

// apply hands entries to the consumer in one transaction, as the poller does.
func apply(t *testing.T, db *postgres.DB, entries ...poll.Entry) ([]int64, error) {
	t.Helper()
	tx := db.Begin()
	written, err := consumer("invoicing-1", newLog(db, nil))(context.Background(), tx, entries)
	if err != nil {
		tx.Rollback()
		return nil, err
	}
	return written, tx.Commit().Error
}

func event(log string, position int64, order string) poll.Entry {
	return poll.Entry{Epoch: log, Position: position, Updated: time.Unix(position, 0), Content: json.RawMessage(order)}
}

func order1(status, street string, counts ...int) string {
	lines := []string{}
	for _, n := range counts {
		lines = append(lines, fmt.Sprintf(`{"count":%d,"item":{"itemId":1,"name":"iPod","price":0.10}}`, n))
	}
	return fmt.Sprintf(`{"id":1,"status":%q,"customer":{"customerId":7,"name":"Wolff","firstname":"Eberhard","email":"e@w.example"},
		"billingAddress":{"street":%q,"zip":"10117","city":"Berlin"},"orderLine":[%s]}`, status, street, strings.Join(lines, ","))
}

// The invoice of an order follows its newest event, whatever the order in which events arrive.
func TestTheNewestEventWins(t *testing.T) {
	placed := event("a", 1, order1("placed", "Unter den Linden", 1, 2))
	changed := event("a", 2, order1("placed", "Friedrichstraße", 3))
	cancelled := event("a", 3, order1("cancelled", "Friedrichstraße", 3))
	restored := event("b", 1, order1("placed", "Unter den Linden", 1, 2)) // another log begins again at 1
	for _, c := range []struct {
		name    string
		events  []poll.Entry
		written int // how often something was
		want    string
	}{
		{"placed", []poll.Entry{placed}, 1, "open Unter den Linden 0.30 at 1"},
		{"the same again", []poll.Entry{placed, placed, placed}, 1, "open Unter den Linden 0.30 at 1"},
		{"in order", []poll.Entry{placed, changed, cancelled}, 3, "void Friedrichstraße 0.30 at 3"},
		{"backwards", []poll.Entry{cancelled, changed, placed}, 1, "void Friedrichstraße 0.30 at 3"},
		{"changed", []poll.Entry{placed, changed, placed}, 2, "open Friedrichstraße 0.30 at 2"},
		{"another log", []poll.Entry{placed, cancelled, restored, restored}, 3, "open Unter den Linden 0.30 at 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := database(t)
			n := 0
			for _, e := range c.events {
				written, err := apply(t, db, e)
				if err != nil {
					t.Fatal(err)
				}
				n += len(written)
			}
			i, err := (&Invoices{db.DB}).Get(context.Background(), 1)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s %s %s at %d", i.Status, i.Billing.Street, i.Total(), i.Updated.Unix())
			if got != c.want || n != c.written {
				t.Errorf("%s, written %d times; want %s, %d times", got, n, c.want, c.written)
			}
		})
	}
}

// A batch is written whole or not at all; the poller then tries its entries one by one.
func TestWhatIsNoOrderIsRefused(t *testing.T) {
	good := event("a", 1, strings.Replace(order1("placed", "x", 1), `"id":1`, `"id":2`, 1))
	for name, content := range map[string]string{
		"not JSON":           `<html>`,
		"no id":              `{"customer":{"customerId":1}}`,
		"no customer":        `{"id":1}`,
		"a count of 0":       order1("placed", "x", 0),
		"a count below 0":    order1("placed", "x", -1),
		"a huge count":       strings.Replace(order1("placed", "x", 1), `"count":1`, `"count":99999999999`, 1),
		"a third decimal":    strings.Replace(order1("placed", "x", 1), "0.10", "0.001", 1),
		"a text for a price": strings.Replace(order1("placed", "x", 1), "0.10", `"much"`, 1),
		"an endless price":   strings.Replace(order1("placed", "x", 1), "0.10", "99999999999999", 1),
		"NUL":                strings.Replace(order1("placed", "x", 1), "iPod", `i\u0000Pod`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			if _, err := apply(t, db, good, event("a", 2, content)); err == nil {
				t.Error("accepted")
			}
			list, _, err := (&Invoices{db.DB}).List(context.Background(), 1<<62, 10)
			if err != nil || len(list) > 0 {
				t.Errorf("written: %+v, %v", list, err)
			}
		})
	}
}

// The feed document that order's own test keeps (its contract) becomes the invoices that this test keeps.
func TestContract(t *testing.T) {
	document, err := os.ReadFile("../order/testdata/document.json")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Accept"), "application/atom+xml") {
			fmt.Fprint(w, `<feed xmlns="http://www.w3.org/2005/Atom"><link rel="alternate" type="application/json" href="/order/feed"/></feed>`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// Its links lead where it was recorded; here nothing is to be followed.
		_, _ = w.Write([]byte(strings.ReplaceAll(string(document), "http://order:8080", "http://"+r.Host)))
	}))
	defer server.Close()
	db := database(t)
	p, err := poll.New(db.DB, poll.Config{Source: poll.Source{FeedURL: server.URL + "/order/feed", Schedule: "@every 1h"}, Feed: "order", Record: "invoice"}, consumer("invoicing-1", newLog(db, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	list, _, err := (&Invoices{db.DB}).List(context.Background(), 1<<62, 10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/invoices.json", append(got, '\n'))
}

// golden compares with a kept file; UPDATE=1 keeps what is there now.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-kept +now):\n%s", name, diff)
	}
}

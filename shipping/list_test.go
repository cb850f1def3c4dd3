package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"msatom/shared/consumer/consumertest"
)

// The list comes newest or oldest first, for all customers or filtered by name. A shipment has no amount.
func TestList(t *testing.T) {
	t.Parallel()
	trial := consumertest.New(t, shipping)
	for i := range int64(5) {
		content := fmt.Sprintf(`{"status":"placed","customer":{"customerId":%d,"name":%q,"firstname":"A"},"orderLine":[]}`, i%2+1, []string{"Wolff", "Guest"}[i%2])
		if _, err := trial.Apply(consumertest.Event("a", i+1, i+1, content)); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string][]int64{"": {5, 4, 3, 2, 1}, "?sort=oldest": {1, 2, 3, 4, 5}, "?name=guest": {4, 2}, "?name=A+WOLFF&sort=oldest&limit=2": {1, 3}, "?name=nobody": nil} {
		var part []struct{ ID int64 }
		_, body := trial.Get("/shipping/"+query, "application/json")
		if err := json.Unmarshal([]byte(body), &part); err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, s := range part {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

// BenchmarkPages measures pages with 1,000,000 shipments in the table.
//
//	go test ./shipping -run - -bench Pages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	trial := consumertest.New(b, shipping)
	for _, sql := range []string{
		`INSERT INTO shipment SELECT i, now(), 'ready', c, (ARRAY['Wolff', 'Johnson', 'Guest'])[c], 'A', 'e', 's', 'z', 'c', 'shipping-1', 'a', i
			FROM generate_series(1, 1000000) i, LATERAL (SELECT CASE WHEN i <= 60 THEN 3 WHEN i > 999700 THEN 2 ELSE 1 END AS c) customer`,
		`INSERT INTO shipment_line SELECT id, 1, 1, 1, 'iPod' FROM shipment`,
		`ANALYZE`,
	} {
		if err := trial.DB.Exec(sql).Error; err != nil {
			b.Fatal(err)
		}
	}
	trial.Pages(b, "/shipping/", "/shipping/?before=500000", "/shipping/?sort=oldest", "/shipping/?sort=oldest&after=500000",
		"/shipping/?name=guest", "/shipping/?name=wolff&sort=oldest", "/shipping/?name=nobody", "/shipping/500000", "/shipping/state", "/shipping/overview")
}

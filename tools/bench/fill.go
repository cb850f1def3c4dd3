package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const shopAddress = `{"street": "Krischerstr. 100", "zip": "40789", "city": "Monheim am Rhein"}`

// anOrder returns an order of count iPods as a client sends it.
func anOrder(count int) []byte {
	return fmt.Appendf(nil, `{"customer": 1, "orderLine": [{"count": %d, "item": 1}], "shippingAddress": %s, "billingAddress": %[2]s}`, count, shopAddress)
}

// place places an order and returns its id, and when the response arrived.
func place(order *process, count int) (id int64, answered time.Time) {
	res := must(http.Post(order.url()+"/order/", "application/json", bytes.NewReader(anOrder(count))))
	defer res.Body.Close()
	answered = time.Now()
	body := must(io.ReadAll(res.Body))
	if res.StatusCode != http.StatusCreated {
		check(fmt.Errorf("placing an order: status %d: %s", res.StatusCode, body))
	}
	var o struct{ ID int64 }
	check(json.Unmarshal(body, &o))
	return o.ID, answered
}

// fill makes orders until there are total, more than ten, each with one event in the log. The first ten and the last are placed with the
// service. The others are copies of the first ten, made in the database, which works for any columns that the tables have.
func (b *bench) fill(order *process, total int) {
	b.progress("making %s orders", thousands(int64(total)))
	last := query[int](b, order.database, "SELECT count(*) FROM orders")[0]
	for ; last < 10; last++ {
		place(order, 1+last)
	}
	log := b.logTables(order.database)
	// copies copies a row of a table, whose key is as given, for each new number i, with some columns changed.
	copies := func(table, key, changed string) string {
		return fmt.Sprintf(`INSERT INTO %[1]s OVERRIDING SYSTEM VALUE SELECT r.* FROM generate_series(%[4]d, %[5]d) i JOIN %[1]s t ON %[2]s,
			json_populate_record(t, json_build_object(%[3]s)) r ORDER BY i`, table, key, changed, last+1, total-1)
	}
	b.sql(order.database,
		copies("orders", "t.id = 1 + i % 10", "'id', i, 'request', null"),
		copies("order_line", "t.order_id = 1 + i % 10", "'order_id', i"),
		copies(log+"_event", "t.id = 1 + i % 10", `'id', i, 'subject', i, 'snapshot', regexp_replace(t.snapshot::text, '"id": *\d+', '"id":' || i)::json`),
		copies(log+"_position", fmt.Sprintf("t.position = %d", last), "'position', i, 'event_id', i"), // all at one time: times never go back
		"SELECT setval(pg_get_serial_sequence('orders', 'id'), max(id)) FROM orders",
		fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s_event', 'id'), max(id)) FROM %[1]s_event", log),
		"VACUUM ANALYZE", "CHECKPOINT")
	// Publishing it moves the head that the service keeps in memory to the end of the log.
	if id, _ := place(order, 1); id != int64(total) {
		check(fmt.Errorf("the last of %d orders has the id %d", total, id))
	}
}

// logTables returns what the names of a log's tables start with: feed before commit bb22500, for BEFORE, and outbox since.
func (b *bench) logTables(database string) string {
	return query[string](b, database, "SELECT CASE WHEN to_regclass('outbox_event') IS NULL THEN 'feed' ELSE 'outbox' END")[0]
}

// settledTag returns the entity tag of order's recent document in Atom once it no longer changes.
func (b *bench) settledTag(order *process) (etag string) {
	b.wait("a settled entity tag", 20*time.Millisecond, func() bool {
		r := must(http.NewRequest(http.MethodHead, order.url()+"/order/feed", nil))
		r.Header = http.Header{"Cache-Control": {"no-cache"}, "Accept-Encoding": {"identity"}, "Accept": {"application/atom+xml"}}
		res := must(http.DefaultClient.Do(r))
		res.Body.Close()
		previous := etag
		etag = res.Header.Get("ETag")
		return etag != "" && etag == previous
	})
	return etag
}

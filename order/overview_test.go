package main

import (
	"strings"
	"testing"
	"time"
)

// Order's part of the front page shows orders and feed, and includes a part of each followed
// consumer. It has no layout.
func TestOverview(t *testing.T) {
	t.Parallel()
	s := watched(t, 0, receive(t, "invoicing"), receive(t, "some-other"))
	for range 3 {
		s.place()
	}
	shown := func() string { return s.page("/order/overview") }
	s.until("three orders are shown", func() bool { return strings.Contains(shown(), "<b>3</b> orders") })
	page := shown()
	for _, want := range []string{`<div id="overview" data-live="/order/overview">`, "<b>3</b> entries", "The feed has 1 document. A document has up to 100 entries",
		`<!--#include virtual="/invoicing/overview?head=3" onerror="/frame/down.html" -->`, `<!--#include virtual="/some-other/overview?head=3" onerror="/frame/down.html" -->`,
		`Nothing acknowledged yet (3 entries are not acknowledged). <a href="/some-other/state">`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if strings.Contains(page, "<html") {
		t.Errorf("the part is a whole page:\n%s", page)
	}
	if err := s.db.Exec(`INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
		SELECT 1, 'placed', now(), '', '', '', '', '', '' FROM generate_series(1, ?)`, maxOrdersCounted).Error; err != nil {
		t.Fatal(err)
	}
	s.until("many orders are shown", func() bool { return strings.Contains(shown(), "<b>about 10,003</b> orders") })
}

// The page of an order shows how far it is.
func TestProgress(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	published, seen := begun.Add(20*time.Millisecond), begun.Add(1520*time.Millisecond)
	d := Delivered{Order: Order{ID: 7, Status: placed, Version: 1, Changed: begun, Updated: begun}}
	shown := func() (list []string) {
		for _, s := range d.Progress() {
			text := s.Name
			if s.Done == nil {
				text += " open"
			}
			if s.Took != nil {
				text += " " + s.Took.String() + " after " + s.Since
			}
			list = append(list, text+" "+s.Link)
		}
		return append(list, d.Summary())
	}
	expect := func(want ...string) {
		t.Helper()
		if got := shown(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	expect("Placed ", "Published /order/feed", "Order 7 is in the feed.")
	d.Version = 2
	d.Deliveries = []Delivery{{Consumer: "invoicing", Published: published, Acknowledged: &seen, Record: "/invoicing/7"}, {Consumer: "shipping", Published: published}}
	expect("Changed ", "Published 20ms after the change /order/feed", "Invoicing 1.5s after publication /invoicing/7", "Shipping open /shipping/state",
		"Order 7 is published. 1 of 2 consumers have processed it.")
	d.Status, d.Deliveries[1].Acknowledged, d.Deliveries[1].Record = cancelled, &seen, "/shipping/7"
	expect("Cancelled ", "Published 20ms after the cancellation /order/feed", "Invoicing 1.5s after publication /invoicing/7", "Shipping 1.5s after publication /shipping/7", "All consumers have processed order 7.")
}

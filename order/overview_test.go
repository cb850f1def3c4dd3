package main

import (
	"strings"
	"testing"
	"time"
)

// The front page's part shows the orders, the feed, and room for each consumer that is followed, and nothing around it.
func TestOverview(t *testing.T) {
	s := watched(t, 0, receive(t, "invoicing"), receive(t, "some-other"))
	for range 3 {
		s.place()
	}
	shown := func() string { return s.page("/order/overview") }
	s.until("three orders are shown", func() bool { return strings.Contains(shown(), "<b>3</b> orders") })
	page := shown()
	for _, want := range []string{`<div id="overview" data-live="/order/overview">`, "<b>3</b> entries", "in 1 document",
		`<!--#include virtual="/invoicing/overview?head=3" onerror="/frame/down.html" -->`, `<!--#include virtual="/some-other/overview?head=3" onerror="/frame/down.html" -->`,
		`Nothing acknowledged yet, 3 still open. <a href="/some-other/state">`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if strings.Contains(page, "<html") {
		t.Errorf("a part of a page is a whole one:\n%s", page)
	}
	if err := s.db.Exec(`INSERT INTO orders (customer_id, status, changed, shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city)
		SELECT 1, 'placed', now(), '', '', '', '', '', '' FROM generate_series(1, ?)`, ordersCounted).Error; err != nil {
		t.Fatal(err)
	}
	s.until("many orders are shown", func() bool { return strings.Contains(shown(), "<b>about 10,003</b> orders") })
}

// An order's page tells its way, live until it has arrived everywhere.
func TestWay(t *testing.T) {
	begun := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	published, seen := begun.Add(20*time.Millisecond), begun.Add(1520*time.Millisecond)
	second := Second(begun)
	d := Delivered{Order: Order{ID: 7, Status: placed, Version: 1, Changed: begun, Updated: &second}}
	told := func() (list []string) {
		for _, s := range d.Way() {
			text := s.Name
			if s.Done == nil {
				text += " open"
			}
			if s.Took != nil {
				text += " after " + s.Took.String()
			}
			list = append(list, text+" "+s.Link)
		}
		return append(list, d.Told())
	}
	expect := func(want ...string) {
		t.Helper()
		if got := told(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	expect("Placed ", "Published /order/feed", "Order 7 is in the feed.")
	d.Version = 2
	d.Deliveries = []Delivery{{Consumer: "invoicing", Published: published, Acknowledged: &seen, Record: "/invoicing/7"}, {Consumer: "shipping", Published: published}}
	expect("Changed ", "Published after 20ms /order/feed", "Invoicing after 1.5s /invoicing/7", "Shipping open /shipping/state",
		"Order 7 is published; 1 of 2 consumers have it.")
	d.Status, d.Deliveries[1].Acknowledged, d.Deliveries[1].Record = cancelled, &seen, "/shipping/7"
	expect("Cancelled ", "Published after 20ms /order/feed", "Invoicing after 1.5s /invoicing/7", "Shipping after 1.5s /shipping/7", "Order 7 has arrived everywhere.")
}

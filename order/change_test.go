// Changing and cancelling orders: each change is one event, and a refused one changes nothing.
package main

import (
	"fmt"
	"net/url"
	"testing"
	"time"
)

// All steps change the same order, one after the other.
func TestChangeAndCancel(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := fmt.Sprint(s.order(s.json("POST", "/order/", text(asked(1, 2, 2, 1))), 201).ID)
	if err := s.db.Exec("UPDATE item SET price = 50 WHERE item_id = 1").Error; err != nil {
		t.Fatal(err)
	}
	path := "/order/" + id
	changeForm := func(match string, lines ...int) url.Values {
		v := filled(lines...)
		v.Set("_method", "PUT")
		v.Set("match", match)
		return v
	}
	cancelForm := func(match string) url.Values { return url.Values{"_method": {"DELETE"}, "match": {match}} }
	tag := func() string { return s.get(path).header.Get("ETag") }
	first := tag()

	for _, c := range []struct {
		name   string
		do     func() reply
		answer int
		events int64
		status string
		total  string
	}{
		{"a kept item keeps its price", func() reply { return s.json("PUT", path, text(asked(1, 3))) }, 200, 1, "placed", "126.00"},
		{"a new item has today's price", func() reply { return s.json("PUT", path, text(asked(1, 3, 4, 1))) }, 200, 1, "placed", "226.00"},
		{"an item that was removed and added again has today's price", func() reply {
			s.json("PUT", path, text(asked(4, 1)))
			return s.json("PUT", path, text(asked(1, 1)))
		}, 200, 2, "placed", "50.00"},
		{"change by form", func() reply { return s.form(path, changeForm(tag(), 2, 1)) }, 303, 1, "placed", "21.00"},
		{"outdated If-Match", func() reply { return s.json("PUT", path, text(asked(3, 1)), "If-Match", first) }, 412, 0, "placed", "21.00"},
		{"outdated form", func() reply { return s.form(path, changeForm(first, 3, 1)) }, 412, 0, "placed", "21.00"},
		{"cancel, outdated If-Match", func() reply { return s.do("DELETE", path, "", "If-Match", first) }, 412, 0, "placed", "21.00"},
		{"cancel, outdated form", func() reply { return s.form(path, cancelForm(first)) }, 412, 0, "placed", "21.00"},
		{"If-Match with two tags, one current", func() reply { return s.json("PUT", path, text(asked(3, 2)), "If-Match", first+", "+tag()) }, 200, 1, "placed", "2.00"},
		{"If-Match *", func() reply { return s.json("PUT", path, text(asked(3, 1)), "If-Match", "*") }, 200, 1, "placed", "1.00"},
		{"weak If-Match", func() reply { return s.json("PUT", path, text(asked(3, 9)), "If-Match", "W/"+tag()) }, 412, 0, "placed", "1.00"},
		{"If-None-Match *", func() reply { return s.json("PUT", path, text(asked(3, 9)), "If-None-Match", "*") }, 412, 0, "placed", "1.00"},
		{"cancel, If-None-Match", func() reply { return s.do("DELETE", path, "", "If-None-Match", "W/"+tag()) }, 412, 0, "placed", "1.00"},
		{"publish, outdated If-Match", func() reply { return s.do("POST", path+"/publish", "", "If-Match", first) }, 412, 0, "placed", "1.00"},
		{"If-Unmodified-Since before the last change", func() reply {
			return s.json("PUT", path, text(asked(3, 9)), "If-Unmodified-Since", "Sat, 21 Nov 2015 03:00:00 GMT")
		}, 412, 0, "placed", "1.00"},
		{"cancel, If-Unmodified-Since before the last change", func() reply {
			return s.do("DELETE", path, "", "If-Unmodified-Since", "Sat, 21 Nov 2015 03:00:00 GMT")
		}, 412, 0, "placed", "1.00"},
		{"If-Unmodified-Since after the last change", func() reply {
			return s.json("PUT", path, text(asked(3, 1)), "If-Unmodified-Since", s.get(path).header.Get("Last-Modified"))
		}, 200, 1, "placed", "1.00"},
		{"If-Unmodified-Since beside If-Match", func() reply {
			return s.json("PUT", path, text(asked(3, 1)), "If-Match", tag(), "If-Unmodified-Since", "Sat, 21 Nov 2015 03:00:00 GMT")
		}, 200, 1, "placed", "1.00"},
		{"another tag in If-None-Match", func() reply { return s.json("PUT", path, text(asked(3, 1)), "If-None-Match", first) }, 200, 1, "placed", "1.00"},
		{"current If-Match", func() reply { return s.json("PUT", path, text(asked(3, 3)), "If-Match", tag()) }, 200, 1, "placed", "3.00"},
		{"a fault changes nothing", func() reply { return s.json("PUT", path, text(asked(3, 0))) }, 422, 0, "placed", "3.00"},
		{"cancel", func() reply { return s.do("DELETE", path, "") }, 200, 1, "cancelled", "3.00"},
		{"cancel again", func() reply { return s.do("DELETE", path, "") }, 200, 0, "cancelled", "3.00"},
		{"cancel again by form", func() reply { return s.form(path, cancelForm(tag())) }, 303, 0, "cancelled", "3.00"},
		{"change a cancelled order", func() reply { return s.json("PUT", path, text(asked(1, 1))) }, 409, 0, "cancelled", "3.00"},
		{"change a cancelled order, by form", func() reply { return s.form(path, changeForm(tag(), 1, 1)) }, 409, 0, "cancelled", "3.00"},
	} {
		before, head := s.state(), s.number("SELECT max(position) FROM outbox_position")
		if a := c.do(); a.status != c.answer {
			t.Errorf("%s: %d, want %d: %s", c.name, a.status, c.answer, a.body)
		}
		if n := s.number("SELECT max(position) FROM outbox_position") - head; n != c.events {
			t.Errorf("%s: %d events, want %d", c.name, n, c.events)
		}
		if c.events == 0 && s.state() != before {
			t.Errorf("%s: something was written", c.name)
		}
		o := s.order(s.get(path), 200)
		if o.Status != c.status || o.Total().String() != c.total || o.NumberOfLines != len(o.Lines) {
			t.Errorf("%s: %s %s, want %s %s", c.name, o.Status, o.Total(), c.status, c.total)
		}
		s.page(path)
		if newest, updated := s.newest(), s.feedUpdated(); !newest.Equal(updated) || !o.Updated.Equal(updated) {
			t.Errorf("%s: updated: newest order %s, this order %s, feed %s", c.name, newest, o.Updated, updated)
		}
	}
}

// newest returns max(order.updated) as a client would compute it.
func (s *shop) newest() (newest time.Time) {
	s.t.Helper()
	var list []Order
	s.decode(s.get("/order/?limit=1000"), &list)
	for _, o := range list {
		if o.Updated.After(newest) {
			newest = o.Updated
		}
	}
	return newest
}

func (s *shop) feedUpdated() time.Time {
	s.t.Helper()
	feed := s.feed()
	return *feed.UpdatedParsed
}

// HTML forms cannot send DELETE, so the form's button sends a field _method.
func TestFormCancelsAnOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.place()
	path := fmt.Sprintf("/order/%d", id)
	a := s.form(path, url.Values{"_method": {"DELETE"}, "match": {s.get(path).header.Get("ETag")}})
	if a.status != 303 || a.header.Get("Location") != path {
		t.Fatalf("%d to %q", a.status, a.header.Get("Location"))
	}
	feed := s.feed()
	if len(feed.Entries) != 2 || feed.Entries[0].Title != "Order 1 cancelled" || feed.Entries[0].Categories[0].Term != "cancelled" {
		t.Errorf("the cancellation is not in the feed: %v", feed)
	}
	if deleted := feed.Extensions["at"]["deleted-entry"]; len(deleted) != 1 || deleted[0].Attrs["ref"] != feed.Entries[1].ID {
		t.Errorf("no deleted-entry in the feed: %v", feed.Extensions)
	}
	if o := s.order(s.get(path), 200); o.Status != "cancelled" {
		t.Errorf("status %q", o.Status)
	}
}

// Of several clients that change the same version of an order, one succeeds.
func TestOneOfSeveralConcurrentChangesSucceeds(t *testing.T) {
	t.Parallel()
	s := open(t)
	path := fmt.Sprintf("/order/%d", s.place())
	tag := s.get(path).header.Get("ETag")
	for i, c := range []struct{ method, body string }{{"PUT", text(asked(2, 2))}, {"PUT", text(asked(3, 3))}} {
		want := []int{200, 412}[i]
		if a := s.json(c.method, path, c.body, "If-Match", tag); a.status != want {
			t.Errorf("change %d: %d, want %d", i+1, a.status, want)
		}
	}
	tag = s.get(path).header.Get("ETag")
	statuses := map[int]int{}
	answers := make(chan int, 10)
	for i := range 10 {
		go func() { answers <- s.json("PUT", path, text(asked(1, i+1)), "If-Match", tag).status }()
	}
	for range 10 {
		statuses[<-answers]++
	}
	if statuses[200] != 1 || statuses[412] != 9 {
		t.Errorf("ten at once: %v", statuses)
	}
}

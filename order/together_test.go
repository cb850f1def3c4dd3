// Several clients at once.
package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// While an order is being changed, a reader sees one of its versions, never the address of one and
// the lines of another.
func TestAnOrderIsReadWhole(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := s.place()
	path := fmt.Sprintf("/order/%d", id)
	stop := make(chan struct{})
	var writing sync.WaitGroup
	for w := range 2 {
		writing.Go(func() {
			for i := 1; i <= 60; i++ {
				n := w*1000 + i
				v := asked(1, n)
				v["shippingAddress"].(map[string]any)["zip"] = fmt.Sprint(n)
				if a := s.json("PUT", path, text(v)); a.status != 200 {
					t.Errorf("change: %d %s", a.status, a.body)
				}
			}
		})
	}
	go func() { writing.Wait(); close(stop) }()
	for {
		for _, p := range []string{path, "/order/"} {
			var list []Order
			if a := s.get(p); p == path {
				list = []Order{s.order(a, 200)}
			} else {
				s.decode(a, &list)
			}
			for _, o := range list {
				if len(o.Lines) != 1 || o.Shipping.Zip != fmt.Sprint(o.Lines[0].Count) && o.Shipping.Zip != "12345" { // the first version
					t.Fatalf("%s: the address of change %s, lines %+v", p, o.Shipping.Zip, o.Lines)
				}
			}
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}

// Many changes that wait for one locked order do not block other orders, the feed or the health
// check. Each gets an answer before the reverse proxy gives up, and changes nothing.
func TestALockedOrderBlocksNoOther(t *testing.T) {
	t.Parallel()
	s := open(t)
	locked, other := s.place(), s.place()
	release, held, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var busy sync.WaitGroup
	var waited atomic.Bool
	go func() {
		err := s.db.Transaction(func(tx *gorm.DB) error {
			err := tx.Exec("SELECT FROM orders WHERE id = ? FOR UPDATE", locked).Error
			close(held)
			<-release
			return err
		})
		if err != nil {
			t.Error(err)
		}
		close(released)
	}()
	<-held
	for range 3 * postgres.MaxConns {
		busy.Go(func() {
			for again := true; again; again = !waited.Load() {
				a := s.once("PUT", fmt.Sprintf("/order/%d", locked), text(asked(1, 2)), "Content-Type", "application/json")
				if a.status != 503 || !strings.Contains(a.body, "took too long") || a.header.Get("Retry-After") == "" {
					t.Errorf("change of a locked order: %d %v %s", a.status, a.header, a.body)
				}
			}
		})
	}
	s.until("as many changes wait as may", func() bool {
		var n int
		err := s.db.Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n).Error
		return err == nil && n >= postgres.MaxConns/2
	})
	waited.Store(true)
	for _, path := range []string{fmt.Sprintf("/order/%d", other), "/order/", "/order/feed", "/readyz"} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		r, err := http.NewRequestWithContext(ctx, "GET", s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		w, err := client.Do(r)
		if err != nil || w.StatusCode != 200 {
			t.Errorf("%s: %+v, %v", path, w, err)
		}
		if err == nil {
			w.Body.Close()
		}
		cancel()
	}
	busy.Wait()
	close(release)
	<-released
	path := fmt.Sprintf("/order/%d", locked)
	if o := s.order(s.get(path), 200); o.Lines[0].Count != 1 {
		t.Errorf("a refused change was made: %+v", o.Lines)
	}
	if a := s.json("PUT", path, text(asked(1, 2))); a.status != 200 {
		t.Errorf("after that: %d %s", a.status, a.body)
	}
}

// The number of customers with a name can exceed the number of parameters that a statement may
// have. Their orders are found, and no others.
func TestFilterByANameOfManyCustomers(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	if err := s.db.Exec("INSERT INTO customer (name, firstname, email) SELECT 'Schmidt', i, 'x@y.example' FROM generate_series(1, 70000) i").Error; err != nil {
		t.Fatal(err)
	}
	order := asked(1, 1)
	order["customer"] = s.number("SELECT max(customer_id) FROM customer")
	placed := s.order(s.json("POST", "/order/", text(order)), 201)
	for _, sort := range []string{"", "&sort=oldest", "&sort=highest"} {
		var found []Order
		s.decode(s.get("/order/?name=schmidt"+sort), &found)
		if len(found) != 1 || found[0].ID != placed.ID {
			t.Errorf("%s: found %+v, want order %d", sort, found, placed.ID)
		}
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// While an order is changed over and over, whoever reads it sees one of its states, never the address of one and the lines of
// another.
func TestAnOrderIsReadWhole(t *testing.T) {
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
			var list []shown
			if a := s.get(p); p == path {
				list = []shown{s.order(a, 200)}
			} else {
				s.decode(a, &list)
			}
			for _, o := range list {
				if len(o.Lines) != 1 || o.Shipping.Zip != fmt.Sprint(o.Lines[0].Count) && o.Shipping.Zip != "12345" { // as it was placed
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

// Many changes of one order that is locked leave the other orders, the feed and the health check alone.
func TestALockedOrderHoldsUpNoOther(t *testing.T) {
	s := open(t)
	locked, other := s.place(), s.place()
	release, held := make(chan struct{}), make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		err := s.db.Transaction(func(tx *gorm.DB) error {
			err := tx.Exec("SELECT FROM orders WHERE id = ? FOR UPDATE", locked).Error
			close(held)
			<-release
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	for range 3 * postgres.MaxConns {
		busy.Go(func() {
			if a := s.json("PUT", fmt.Sprintf("/order/%d", locked), text(asked(1, 2))); a.status != 200 {
				t.Errorf("change: %d %s", a.status, a.body)
			}
		})
	}
	s.until("as many changes wait as may", func() bool {
		var n int
		err := s.db.Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n).Error
		return err == nil && n >= postgres.MaxConns/2
	})
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
	close(release)
	busy.Wait()
}

// A name that more customers have than a statement has parameters.
func TestANameOfManyCustomers(t *testing.T) {
	s := open(t)
	if err := s.db.Exec("INSERT INTO customer (name, firstname, email) SELECT 'Schmidt', i, 'x@y.example' FROM generate_series(1, 70000) i").Error; err != nil {
		t.Fatal(err)
	}
	if a := s.get("/order/?name=schmidt"); a.status != 200 || a.body != "[]\n" {
		t.Errorf("%d %.200s", a.status, a.body)
	}
}

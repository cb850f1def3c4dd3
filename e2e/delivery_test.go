package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// delivered has the fields about delivery of an order, of the deliveries and of a consumer's state.
type delivered struct {
	Deliveries []struct {
		Consumer, Instance, Record string
		Acknowledged               *time.Time
	}
	Head, Position, Lag, DeadLetters int64
	Why                              string
	Instances                        []struct{ Instance string }
	Consumers                        []struct {
		Consumer          string
		Last, Open, Holes int64
		Completion        struct{ Count int }
	}
	Reconciliation *struct {
		Finished                           *time.Time
		Compared, Repaired, Refused, Extra int64
		Error                              string
	}
}

func (s *shop) ofDelivery(path string) (d delivered) {
	s.t.Helper()
	if err := json.Unmarshal(s.must(200, "GET", path, "", asJSON...).body, &d); err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *shop) page(path string) string {
	s.t.Helper()
	return string(s.must(200, "GET", path, "", asHTML...).body)
}

// seeDelivery follows an order from its publication to the acknowledgements of its consumers, on the pages and in JSON.
func seeDelivery(t *testing.T, s *shop) {
	id := s.placeForm("2")
	poll := func() {
		for _, d := range s.ofDelivery("/order/" + id).Deliveries {
			s.must(200, "POST", "/"+d.Consumer+"/poll", "", asJSON...)
		}
	}
	poll()
	acknowledged := func() bool {
		list := s.ofDelivery("/order/" + id).Deliveries
		for _, d := range list {
			if d.Acknowledged == nil || !strings.HasPrefix(d.Record, "/"+d.Consumer+"/") || d.Instance == "" {
				return false
			}
		}
		return len(list) >= 2
	}
	eventually(t, "order "+id+" is acknowledged by all", patience, acknowledged)
	if page := s.page("/order/" + id); strings.Contains(page, "pending") || !strings.Contains(page, `href="/invoicing/`+id) {
		t.Errorf("the page of order %s does not show the acknowledgements:\n%s", id, page)
	}
	eventually(t, "the deliveries are complete", patience, func() bool {
		d := s.ofDelivery("/order/deliveries")
		for _, c := range d.Consumers {
			if c.Open != 0 || c.Holes != 0 || c.Last != d.Head || c.Completion.Count == 0 {
				return false
			}
		}
		return len(d.Consumers) >= 2
	})
	if page := s.page("/order/deliveries"); strings.Count(page, "<svg") < 2 || !strings.Contains(page, "All consumers have processed all orders") {
		t.Errorf("the page of deliveries:\n%s", page)
	}

	// Republished, it is acknowledged again.
	s.must(200, "POST", "/order/"+id+"/publish", "", asJSON...)
	poll()
	eventually(t, "order "+id+" is acknowledged again", patience, acknowledged)

	for _, service := range []string{"invoicing", "shipping"} {
		eventually(t, service+" lists its instances", patience, func() bool {
			d := s.ofDelivery("/" + service + "/state")
			return d.Lag == 0 && d.Position > 0 && d.DeadLetters == 0 && len(d.Instances) > 0 && d.Why != ""
		})
		if page := s.page("/" + service + "/state"); !strings.Contains(page, "State of "+service) {
			t.Errorf("the state page of %s:\n%s", service, page)
		}
		s.must(202, "POST", "/"+service+"/reconcile", "", asJSON...)
		var d delivered
		eventually(t, service+" has compared its records with the log", patience, func() bool {
			d = s.ofDelivery("/" + service + "/state")
			return d.Reconciliation != nil && d.Reconciliation.Finished != nil
		})
		if r := d.Reconciliation; r.Compared == 0 || r.Repaired+r.Refused+r.Extra != 0 || r.Error != "" {
			t.Errorf("%s compared its records with the log: %+v", service, *r)
		}
	}
}

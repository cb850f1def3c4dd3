package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"msatom/tools/system"
)

// tour does what a visitor of the system does: places orders and sees invoices and shipments appear.
func tour(t *testing.T, s *shop) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	t.Run("front page and style sheets", func(t *testing.T) {
		pages, styles := []string{"/", "/order/form.html", "/order/customer/", "/order/item/"}, []string{"/style.css"}
		services, err := system.Services("..")
		if err != nil {
			t.Fatal(err)
		}
		for _, service := range services {
			pages, styles = append(pages, "/"+service.Name+"/"), append(styles, "/"+service.Name+"/style.css")
		}
		for _, path := range pages {
			a := s.must(200, "GET", path, "", asHTML...)
			if !strings.Contains(a.header.Get("Content-Type"), "text/html") {
				t.Errorf("%s is %s", path, a.header.Get("Content-Type"))
			}
		}
		for _, path := range styles {
			s.must(200, "GET", path, "")
		}
	})

	t.Run("orders by form and by JSON, polled by hand", func(t *testing.T) {
		byForm := s.placeForm("3")
		id := s.mustPlace(fmt.Sprint("tour ", time.Now().UnixNano()), 2)
		byJSON := fmt.Sprint(id)
		a := s.must(303, "POST", "/invoicing/poll", "", asHTML...)
		if !strings.HasPrefix(a.header.Get("Location"), "/invoicing/") {
			t.Errorf("after the poll: %s", a.header.Get("Location"))
		}
		var result struct{ NotModified *bool }
		if err := json.Unmarshal(s.must(200, "POST", "/shipping/poll", "", asJSON...).body, &result); err != nil || result.NotModified == nil {
			t.Errorf("poll by a program: %v", err)
		}
		for id, pieces := range map[string]int{byForm: 3, byJSON: 3} {
			order, invoice, shipment := s.read("/order/"+id), s.read("/invoicing/"+id), s.read("/shipping/"+id)
			if order.Status != "placed" || invoice.Status != "open" || shipment.Status != "ready" {
				t.Errorf("order %s is %s, invoice %s, shipment %s", id, order.Status, invoice.Status, shipment.Status)
			}
			n := 0
			for i, l := range order.Order {
				n += l.Count
				if l != invoice.Invoice[i] {
					t.Errorf("order %s line %d: %+v, on the invoice %+v", id, i, l, invoice.Invoice[i])
				}
			}
			if n != pieces || len(order.Order) != len(invoice.Invoice) || len(order.Order) != len(shipment.Shipment) {
				t.Errorf("order %s: %d pieces, %d lines, %d on the invoice, %d on the shipment", id, n, len(order.Order), len(invoice.Invoice), len(shipment.Shipment))
			}
		}
	})

	t.Run("consumers poll by themselves within 30 seconds", func(t *testing.T) {
		id := s.placeForm("1")
		eventually(t, "invoice and shipment without a button", 85*time.Second, func() bool {
			return s.exists("/invoicing/"+id) && s.exists("/shipping/"+id)
		})
	})

	t.Run("cancelled", func(t *testing.T) {
		id := s.placeForm("1")
		s.must(200, "POST", "/invoicing/poll", "", asJSON...)
		s.must(200, "DELETE", "/order/"+id, "", asJSON...)
		eventually(t, "void and stopped", patience, func() bool {
			s.must(200, "POST", "/invoicing/poll", "", asJSON...)
			s.must(200, "POST", "/shipping/poll", "", asJSON...)
			return s.read("/invoicing/"+id).Status == "void" && s.read("/shipping/"+id).Status == "stopped"
		})
		if o := s.read("/order/" + id); o.Status != "cancelled" {
			t.Errorf("order is %s", o.Status)
		}
	})

	t.Run("the feed through the front door", func(t *testing.T) {
		s.settled()
		a := s.must(200, "GET", "/order/feed", "", asAtom...)
		for _, path := range []string{"/feed", "/order/"} {
			if b := s.must(200, "GET", path, "", asAtom...); string(b.body) != string(a.body) {
				t.Errorf("%s is a different document", path)
			}
		}
		s.must(304, "GET", "/order/feed", "", append(asAtom, "If-None-Match", a.header.Get("ETag"))...)
		if ids := s.follow(ctx); len(ids) < 5 {
			t.Errorf("%d entries", len(ids))
		}
		forged := s.must(200, "GET", "/order/feed", "", append(asAtom, "X-Public-URL", "http://evil.example", "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example")...)
		if strings.Contains(string(forged.body), "evil.example") {
			t.Error("a header of the client changes the links in the feed")
		}
	})

	t.Run("consumers acknowledge in their own feeds", func(t *testing.T) {
		id := s.placeForm("1")
		for _, service := range []string{"invoicing", "shipping"} {
			s.must(200, "POST", "/"+service+"/poll", "", asJSON...)
			eventually(t, service+" acknowledges order "+id+" in its feed", patience, func() bool {
				var doc struct {
					Items []struct {
						URL   string
						Event struct{ ReplyTo string } `json:"_msatom"`
					}
				}
				if err := json.Unmarshal(s.must(200, "GET", "/"+service+"/feed", "", asJSON...).body, &doc); err != nil {
					t.Fatal(err)
				}
				for _, item := range doc.Items {
					if strings.HasSuffix(item.URL, "/"+service+"/"+id) {
						return strings.Contains(item.Event.ReplyTo, ":order/")
					}
				}
				return false
			})
		}
	})

	t.Run("delivery is shown", func(t *testing.T) { seeDelivery(t, s) })

	t.Run("internal addresses are not forwarded", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/server-status", "/balancer-manager", "/order/../metrics", "/order/%2e%2e/metrics", "/httpd.conf", "/nothing"} {
			if a, err := s.ask("GET", path, ""); err != nil || a.status < 400 || a.status >= 500 {
				t.Errorf("%s: %d, %v", path, a.status, err)
			}
		}
		s.must(http.StatusMethodNotAllowed, "DELETE", "/order/feed", "", asJSON...)
		s.must(http.StatusForbidden, "POST", "/order/", "", append(formIn, "Sec-Fetch-Site", "cross-site")...)
	})
}

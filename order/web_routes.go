// All addresses of the service.
package main

import (
	"net/http"

	"msatom/shared/feed"
	"msatom/shared/page"
	"msatom/shared/service"
	"msatom/shared/web"
)

func newHandler(s *service.Service, pages *page.Set, published *feed.Feed, orders *Orders, deliveries *Deliveries) http.Handler {
	e := web.New(web.Options{Service: s.Name, Instance: s.Instance, Pages: pages, Ready: s.DB.Ready})

	o := &orderWeb{orders: orders, feed: published, deliveries: deliveries, pageTag: "html-" + pages.Tag()}
	web.Get(e, "/order/", o.listOrders)
	e.POST("/order/", o.placeOrder)
	web.Get(e, "/order/form.html", o.editOrder)
	e.POST("/order/form.html", o.editOrder)
	e.PUT("/order/form.html", o.editOrder)
	web.Get(e, "/order/:id", o.showOrder)
	e.PUT("/order/:id", o.changeOrder)
	e.DELETE("/order/:id", o.cancelOrder)
	e.POST("/order/:id/publish", o.republish)

	d := &deliveriesWeb{deliveries, &overviewCache{deliveries: deliveries, instance: s.Instance}}
	web.Get(e, "/order/deliveries", d.showReport)
	web.Get(e, "/order/overview", d.showOverview)

	c, i := customerWeb(s.DB.DB), itemWeb(s.DB.DB)
	web.Get(e, "/order/customer/", c.list)
	e.POST("/order/customer/", c.add)
	web.Get(e, "/order/item/", i.list)
	e.POST("/order/item/", i.add)

	published.Routes(e, "/feed") // /feed is the original's address
	return e
}

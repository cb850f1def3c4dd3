// The list of orders over HTTP: as a page, as JSON, or as the feed.
package main

import (
	"bytes"
	"encoding/json"

	"github.com/labstack/echo/v4"

	"msatom/shared/list"
	"msatom/shared/web"
)

type listView struct {
	Orders []Order
	Page   web.Paging
}

func (h *orderWeb) listOrders(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON, "application/atom+xml")
	if err != nil {
		return err
	}
	variant, contentType := "json", web.JSON
	switch mediaType {
	case "application/atom+xml":
		return h.feed.Serve(c.Response(), c.Request(), 0, mediaType)
	case web.HTML:
		variant, contentType = h.pageTag, "text/html; charset=utf-8"
	}
	p, err := web.Paged(c, mediaType, list.Offer{Amount: true, Filter: byCustomer})
	if err != nil {
		return err
	}
	return h.feed.ServeState(c.Response(), c.Request(), variant, contentType, func(body *bytes.Buffer) error {
		orders, more, err := h.orders.List(c.Request().Context(), p.Part)
		if err != nil {
			return err
		}
		if more {
			last := orders[len(orders)-1]
			p.More(c, list.Place{ID: last.ID, Total: last.StoredTotal})
		}
		if mediaType == web.HTML {
			return c.Echo().Renderer.Render(body, "list", web.Page{Title: "Orders", Data: listView{orders, p}}, c)
		}
		return json.NewEncoder(body).Encode(orders)
	})
}

var byCustomer = list.Filter{
	Label:  "Customer’s name contains",
	Column: "customer_id",
	Named:  "SELECT customer_id FROM customer WHERE firstname || ' ' || name ILIKE ?",
}

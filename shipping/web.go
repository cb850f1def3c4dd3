// The addresses of shipments: a list and single ones, as pages and JSON.
package main

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"msatom/shared/poll/pollweb"
	"msatom/shared/web"
)

type shipmentWeb struct {
	shipments *Shipments
	polling   *pollweb.Handler
}

func (h *shipmentWeb) routes(e *echo.Echo) {
	web.Get(e, "/shipping/", h.list)
	web.Get(e, "/shipping/:id", h.show)
}

type listView struct {
	Polling   pollweb.View
	Shipments []Shipment
	Page      web.Paging
}

func (h *shipmentWeb) list(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	p, err := web.Paged(c)
	if err != nil {
		return err
	}
	list, more, err := h.shipments.List(c.Request().Context(), p.Before, p.Limit)
	if err != nil {
		return err
	}
	if more {
		p.NextBefore(c, list[len(list)-1].ID)
	}
	if mediaType == web.JSON {
		return web.List(c, list)
	}
	view := listView{Shipments: list, Page: p}
	if view.Polling, err = h.polling.View(c); err != nil {
		return err
	}
	return c.Render(http.StatusOK, "list", web.Page{Title: "Shipments", Data: view})
}

func (h *shipmentWeb) show(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.JSON, web.HTML)
	if err != nil {
		return err
	}
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	shipment, err := h.shipments.Get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if mediaType == web.JSON {
		return c.JSON(http.StatusOK, shipment)
	}
	return c.Render(http.StatusOK, "shipment", web.Page{Title: fmt.Sprintf("Shipment %d", id), Data: shipment})
}

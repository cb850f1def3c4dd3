// The addresses of invoices: a list and single ones, as pages and JSON.
package main

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"msatom/shared/poll/pollweb"
	"msatom/shared/web"
)

type invoiceWeb struct {
	invoices *Invoices
	polling  *pollweb.Handler
}

func (h *invoiceWeb) routes(e *echo.Echo) {
	web.Get(e, "/invoicing/", h.list)
	web.Get(e, "/invoicing/:id", h.show)
}

type listView struct {
	Polling  pollweb.View
	Invoices []Invoice
	Page     web.Paging
}

func (h *invoiceWeb) list(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	p, err := web.Paged(c)
	if err != nil {
		return err
	}
	list, more, err := h.invoices.List(c.Request().Context(), p.Before, p.Limit)
	if err != nil {
		return err
	}
	if more {
		p.NextBefore(c, list[len(list)-1].ID)
	}
	if mediaType == web.JSON {
		return web.List(c, list)
	}
	view := listView{Invoices: list, Page: p}
	if view.Polling, err = h.polling.View(c); err != nil {
		return err
	}
	return c.Render(http.StatusOK, "list", web.Page{Title: "Invoices", Data: view})
}

func (h *invoiceWeb) show(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.JSON, web.HTML)
	if err != nil {
		return err
	}
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	invoice, err := h.invoices.Get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if mediaType == web.JSON {
		return c.JSON(http.StatusOK, invoice)
	}
	return c.Render(http.StatusOK, "invoice", web.Page{Title: fmt.Sprintf("Invoice %d", id), Data: invoice})
}

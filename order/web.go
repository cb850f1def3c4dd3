// The addresses of orders: a list and single ones, as pages, JSON, and (the list) as the feed.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/feed"
	"msatom/shared/list"
	"msatom/shared/problem"
	"msatom/shared/web"
)

type orderWeb struct {
	orders     *Orders
	catalog    *Catalog
	log        *feed.Log
	deliveries *Deliveries
	page       string // tells this process' pages from others': they name the instance, and another version looks different
}

func (h *orderWeb) routes(e *echo.Echo) {
	web.Get(e, "/order/", h.list)
	e.POST("/order/", h.place)
	web.Get(e, "/order/form.html", h.form)
	e.POST("/order/form.html", h.form)
	e.PUT("/order/form.html", h.form)
	web.Get(e, "/order/:id", h.show)
	e.PUT("/order/:id", h.change)
	e.DELETE("/order/:id", h.cancel)
}

type listView struct {
	Orders []Order
	Page   web.Paging
}

func (h *orderWeb) list(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON, "application/atom+xml")
	if err != nil {
		return err
	}
	variant, contentType := "json", web.JSON
	switch mediaType {
	case "application/atom+xml":
		return h.log.Serve(c.Response(), c.Request(), 0, mediaType)
	case web.HTML:
		variant, contentType = h.page, "text/html; charset=utf-8"
	}
	p, err := web.Paged(c, mediaType, list.Offer{Amount: true, Customer: true})
	if err != nil {
		return err
	}
	return h.log.ServeState(c.Response(), c.Request(), variant, contentType, func(body *bytes.Buffer) error {
		orders, more, err := h.orders.List(c.Request().Context(), p.Part)
		if err != nil {
			return err
		}
		if more {
			p.More(c, orders[len(orders)-1].ID)
		}
		if mediaType == web.HTML {
			return c.Echo().Renderer.Render(body, "list", web.Page{Title: "Orders", Data: listView{orders, p}}, c)
		}
		if orders == nil {
			orders = []Order{}
		}
		return json.NewEncoder(body).Encode(orders)
	})
}

func (h *orderWeb) show(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.JSON, web.HTML)
	if err != nil {
		return err
	}
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	o, err := h.orders.Get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	d := Delivered{Order: o}
	if d.Deliveries, err = h.deliveries.Of(c.Request().Context(), id); err != nil {
		return err
	}
	if mediaType == web.HTML {
		c.Response().Header().Set("Cache-Control", "no-cache")
		return c.Render(http.StatusOK, "order", web.Page{Title: fmt.Sprintf("Order %d", id), Data: d})
	}
	b, err := body(c, d.ETag(), d)
	if err != nil {
		return err
	}
	c.Request().Header.Del("If-Modified-Since") // two changes can fall into one second
	http.ServeContent(c.Response(), c.Request(), "", o.Updated.Time(), bytes.NewReader(b))
	return nil
}

// answer writes what a change made of an order: the order alone, as nobody can have acknowledged it yet.
func answer(c echo.Context, status int, o Order) error {
	b, err := body(c, o.ETag(), o)
	if err != nil {
		return err
	}
	return c.Blob(status, web.JSON, b)
}

// body is an order in JSON; its headers are set.
func body(c echo.Context, etag string, order any) ([]byte, error) {
	b, err := json.Marshal(order)
	h := c.Response().Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", web.JSON)
	return append(b, '\n'), err
}

func (h *orderWeb) place(c echo.Context) error {
	d, _, form, err := h.draft(c)
	var o Order
	if err == nil {
		o, err = h.orders.Place(c.Request().Context(), d)
	}
	if form != nil {
		return h.afterForm(c, form, o, err)
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", fmt.Sprintf("/order/%d", o.ID))
	return answer(c, http.StatusCreated, o)
}

func (h *orderWeb) change(c echo.Context) error {
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	d, match, form, err := h.draft(c)
	var o Order
	if err == nil {
		o, err = h.orders.Change(c.Request().Context(), id, match, d)
	}
	if form != nil {
		return h.afterForm(c, form, o, err)
	}
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, o)
}

func (h *orderWeb) cancel(c echo.Context) error {
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	match := c.Request().Header.Get("If-Match")
	byForm := strings.HasPrefix(c.Request().Header.Get("Content-Type"), web.Form)
	if byForm {
		match = c.FormValue("match")
	}
	o, err := h.orders.Cancel(c.Request().Context(), id, match)
	if err != nil {
		return err
	}
	if byForm {
		return c.Redirect(http.StatusSeeOther, fmt.Sprintf("/order/%d", id))
	}
	return answer(c, http.StatusOK, o)
}

// draft reads what a client sent: JSON, or a form, which is then returned too.
func (h *orderWeb) draft(c echo.Context) (d Draft, match string, form *formView, err error) {
	mediaType, err := web.BodyType(c)
	if err != nil {
		return d, "", nil, err
	}
	if mediaType == web.JSON {
		if err := web.ReadJSON(c, &d); err != nil {
			return d, "", nil, err
		}
		var f problem.Faults
		if key := c.Request().Header.Get("Idempotency-Key"); key != "" {
			d.Request = f.Text("Idempotency-Key", key, maxText)
		}
		return d, c.Request().Header.Get("If-Match"), nil, f.Err()
	}
	form = readForm(c.Request().PostForm)
	form.ID = number(c.Param("id"))
	if err = h.understand(c.Request().Context(), form); err == nil {
		d, err = form.draft()
	}
	return d, form.Match, form, err
}

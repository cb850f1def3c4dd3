// Single orders over HTTP: reading, placing, changing, cancelling and republishing them, as JSON or
// through pages.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"msatom/shared/feed"
	"msatom/shared/problem"
	"msatom/shared/web"
)

type orderWeb struct {
	orders     *Orders
	feed       *feed.Feed
	deliveries *Deliveries
	pageTag    string // part of the ETags of pages: they name the instance, and another version looks different
}

func (h *orderWeb) showOrder(c echo.Context) error {
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
	b, err := orderJSON(c, o, d)
	if err != nil {
		return err
	}
	c.Request().Header.Del("If-Modified-Since") // two changes can fall into the same second
	http.ServeContent(c.Response(), c.Request(), "", o.Updated, bytes.NewReader(b))
	return nil
}

// orderJSON returns an order, or an order with its deliveries, as JSON and sets the headers that go
// with it.
func orderJSON(c echo.Context, o Order, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	h := c.Response().Header()
	h.Set("ETag", o.etag(b))
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", web.JSON)
	return append(b, '\n'), err
}

// answer answers a form with a redirect to the order, and other requests with the order as it was
// written. It has no deliveries: nobody can have acknowledged it yet.
func answer(c echo.Context, status int, o Order) error {
	path := fmt.Sprintf("/order/%d", o.ID)
	if isForm(c) {
		return c.Redirect(http.StatusSeeOther, path)
	}
	if status == http.StatusCreated {
		c.Response().Header().Set("Location", path)
	}
	b, err := orderJSON(c, o, o)
	if err != nil {
		return err
	}
	return c.Blob(status, web.JSON, b)
}

// isForm reports whether an HTML form sent the request.
func isForm(c echo.Context) bool {
	mediaType, err := web.BodyType(c)
	return err == nil && mediaType == web.Form
}

func (h *orderWeb) placeOrder(c echo.Context) error {
	return h.saveOrder(c, func(d Draft, _ precondition) (Order, error) { return h.orders.Place(c.Request().Context(), d) }, http.StatusCreated)
}

func (h *orderWeb) changeOrder(c echo.Context) error {
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	return h.saveOrder(c, func(d Draft, p precondition) (Order, error) {
		return h.orders.Change(c.Request().Context(), id, p, d)
	}, http.StatusOK)
}

// saveOrder reads the order that a client sent as JSON or as a form, and its precondition, and saves
// it.
func (h *orderWeb) saveOrder(c echo.Context, save func(Draft, precondition) (Order, error), status int) error {
	if _, err := web.BodyType(c); err != nil {
		return err
	}
	var d Draft
	var form *orderForm
	keyField, p := idempotencyKey, preconditionOf(c.Request().Header)
	if isForm(c) {
		form = parseOrderForm(c.Request().PostForm)
		keyField, p.match, d = "request", form.Match, form.draft()
	} else if err := web.ReadJSON(c, &d); err != nil {
		return err
	} else {
		d.Request = c.Request().Header.Get(keyField)
	}
	if d.Request != "" {
		var f problem.Faults
		d.Request = f.Text(keyField, d.Request, maxText)
		if err := f.Err(); err != nil {
			return err
		}
	}
	o, err := save(d, p)
	switch {
	case err == nil:
		return answer(c, status, o)
	case form != nil:
		return h.refuseForm(c, form, o, err)
	}
	return err
}

func (h *orderWeb) cancelOrder(c echo.Context) error {
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	p := preconditionOf(c.Request().Header)
	if isForm(c) {
		p.match = c.FormValue("match")
	}
	o, err := h.orders.Cancel(c.Request().Context(), id, p)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, o)
}

func (h *orderWeb) republish(c echo.Context) error {
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	o, err := h.orders.Republish(c.Request().Context(), id, preconditionOf(c.Request().Header))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, o)
}

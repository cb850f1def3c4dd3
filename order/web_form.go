// The order form over HTTP. It works without script: its buttons to add, copy and remove lines
// request the form again with everything that was typed, and a form with faults comes back as it
// was sent, with each fault at its field.
package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"msatom/shared/list"
	"msatom/shared/problem"
	"msatom/shared/web"
)

// Sizes of the form's lists. The more lines it has, the fewer options it offers, so that it stays
// below 50 KB. Entries that are not offered can be typed.
const (
	maxOptions = 100
	minOptions = 10
)

// editOrder shows the form: empty, or of the order ?order=, or, after one of its buttons, with its
// lines changed. A button sends everything that was typed; with _method=PUT when the form changes
// an order, like the form itself.
func (h *orderWeb) editOrder(c echo.Context) error {
	if _, err := web.Negotiate(c, web.HTML); err != nil {
		return err
	}
	q, err := c.FormParams()
	if err != nil {
		return err
	}
	f, pressed := parseOrderForm(q), isButtonPressed(q)
	var o Order
	if id := parseNumber(q.Get("order")); id > 0 || q.Has("order") && !pressed {
		if o, err = h.orders.Get(c.Request().Context(), id); err != nil {
			return err
		}
	}
	switch {
	case pressed:
		f.fillBilling()
		f.pressButton(q)
	case o.Status == cancelled:
		return problem.Conflict("Order %d is cancelled and cannot be changed.", o.ID)
	case o.ID > 0:
		f = formOf(o)
	case len(f.Lines) == 0:
		f.Lines = []formLine{f.Blank()}
	}
	if f.Request == "" {
		f.Request = rand.Text()
	}
	return h.showForm(c, http.StatusOK, f, o)
}

func isButtonPressed(q url.Values) bool {
	return slices.ContainsFunc([]string{"add", "copy", "remove", "calculate"}, q.Has)
}

// pressButton does what a button of the form asks for. The value of copy and remove is the number
// of a line.
func (f *orderForm) pressButton(q url.Values) {
	line := func(button string) (int, bool) {
		i, err := strconv.Atoi(q.Get(button))
		return i, err == nil && i >= 0 && i < len(f.Lines)
	}
	if q.Has("add") {
		f.Lines = append(f.Lines, f.Blank())
	} else if i, ok := line("copy"); ok {
		f.Lines = slices.Insert(f.Lines, i+1, f.Lines[i])
	} else if i, ok := line("remove"); ok {
		f.Lines = slices.Delete(f.Lines, i, i+1)
	}
}

// showForm answers with the form, which changes o unless that is the zero Order.
func (h *orderWeb) showForm(c echo.Context, status int, f *orderForm, o Order) error {
	db := h.orders.db.WithContext(c.Request().Context())
	if err := f.lookUp(db, o); err != nil {
		return err
	}
	options := max(maxOptions-len(f.Lines), minOptions)
	offeredCustomers, err := customers.containing(db, "", options+1)
	if err != nil {
		return err
	}
	offeredItems, err := items.containing(db, "", options+1)
	if err != nil {
		return err
	}
	f.Customers, f.HasMoreCustomers = list.Cut(offeredCustomers, options)
	f.Items, f.HasMoreItems = list.Cut(offeredItems, options)
	title := "New order"
	if f.ID = o.ID; f.ID != 0 {
		title = fmt.Sprintf("Change order %d", f.ID)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(status, "form", web.Page{Title: title, Data: f})
}

// refuseForm shows the form again if its values were refused, if the order o has changed since it was
// opened, or if the form has already placed o with different values. Otherwise it returns the error.
func (h *orderWeb) refuseForm(c echo.Context, f *orderForm, o Order, err error) error {
	p := problem.As(err)
	if p == nil || !web.WantsHTML(c) {
		return err
	}
	if isKeyReused(p) {
		f.Placed, f.Request = o.ID, rand.Text()
		return h.showForm(c, p.Status, f, Order{})
	}
	f.IsOutdated = p.Status == http.StatusPreconditionFailed && o.Status == placed
	if !f.IsOutdated && p.Status != http.StatusUnprocessableEntity {
		return err
	}
	if f.IsOutdated {
		f.Match = o.Match()
	}
	f.setFaults(p)
	return h.showForm(c, p.Status, f, o)
}

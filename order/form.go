// The order form. It works without script: its buttons to add, copy and remove lines ask for the form again with all
// that was typed, and after a fault it comes back as it was sent, with each fault at its field.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"msatom/shared/problem"
	"msatom/shared/web"
)

// understand replaces what was typed for customer and items by the entries of the lists that it stands for. What is not known
// stays as it is. An order's own lines keep their price.
func (h *orderWeb) understand(ctx context.Context, f *formView) error {
	customers, err := h.catalog.ChosenCustomers(ctx, []string{f.Customer})
	if err != nil {
		return err
	}
	if c, ok := customers[f.Customer]; ok {
		f.Customer = c.Choice()
	}
	var typed []string
	for _, l := range f.Lines {
		typed = append(typed, l.Item)
	}
	items, err := h.catalog.ChosenItems(ctx, typed)
	if err != nil {
		return err
	}
	own := map[int64]Item{}
	if f.ID > 0 {
		o, err := h.orders.Get(ctx, f.ID)
		if err != nil {
			return err
		}
		for _, l := range o.Lines {
			own[l.Item.ID] = l.Item
		}
	}
	for i := range f.Lines {
		l := &f.Lines[i]
		item, ok := items[l.Item]
		if kept, had := own[item.ID]; had {
			item = kept
		}
		if ok {
			l.Item, l.chosen = item.Choice(), &item
		}
	}
	return nil
}

// form shows the form: empty, or of the order ?order=, or, after one of its buttons, with a line more, twice, or less. A button
// sends all that was typed; that of a change says PUT like the form itself.
func (h *orderWeb) form(c echo.Context) error {
	if _, err := web.Negotiate(c, web.HTML); err != nil {
		return err
	}
	q, err := c.FormParams()
	if err != nil {
		return err
	}
	f := readForm(q)
	line := func(button string) int {
		if i, err := strconv.Atoi(q.Get(button)); err == nil && i >= 0 && i < len(f.Lines) {
			return i
		}
		return -1
	}
	pressed := false
	for _, button := range []string{"add", "copy", "remove", "calculate"} {
		pressed = pressed || q.Has(button)
	}
	if pressed {
		f.ID = number(q.Get("order"))
		f.prefill()
	}
	switch i := max(line("copy"), line("remove")); {
	case q.Has("add"):
		f.Lines = append(f.Lines, f.Blank())
	case q.Has("copy") && i >= 0:
		f.Lines = slices.Insert(f.Lines, i+1, f.Lines[i])
	case q.Has("remove") && i >= 0:
		f.Lines = slices.Delete(f.Lines, i, i+1)
	case pressed:
	case q.Has("order"):
		o, err := h.orders.Get(c.Request().Context(), number(q.Get("order")))
		if err != nil {
			return err
		}
		if o.Status == cancelled {
			return problem.Conflict("Order %d is cancelled; it cannot be changed.", o.ID)
		}
		f = formOf(o)
	case len(f.Lines) == 0:
		f.Lines = []formLine{f.Blank()}
	}
	if f.Request == "" {
		f.Request = rand.Text()
	}
	if err := h.understand(c.Request().Context(), f); err != nil {
		return err
	}
	return h.showForm(c, http.StatusOK, f)
}

func (h *orderWeb) showForm(c echo.Context, status int, f *formView) (err error) {
	ctx := c.Request().Context()
	offered := max(mostOffered-len(f.Lines), leastOffered)
	if f.Customers, err = h.catalog.Customers(ctx, "", offered+1); err != nil {
		return err
	}
	if f.Items, err = h.catalog.Items(ctx, "", offered+1); err != nil {
		return err
	}
	f.Customers, f.MoreCustomers = atMost(offered, f.Customers)
	f.Items, f.MoreItems = atMost(offered, f.Items)
	f.explain("customer", f.Customer)
	for i := range f.Lines {
		l := &f.Lines[i]
		l.Number, l.Faults = i, f.Faults
		f.explain(l.Field("item"), l.Item)
	}
	title := "New order"
	if f.ID != 0 {
		title = fmt.Sprintf("Change order %d", f.ID)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(status, "form", web.Page{Title: title, Data: f})
}

func atMost[T any](n int, list []T) (part []T, more bool) {
	return list[:min(n, len(list))], len(list) > n
}

// afterForm leads to the order, or back to the form where its values cannot be accepted, or where the order is not any more
// what the form was made of.
func (h *orderWeb) afterForm(c echo.Context, f *formView, o Order, err error) error {
	p := problem.As(err)
	switch {
	case err == nil:
		return c.Redirect(http.StatusSeeOther, fmt.Sprintf("/order/%d", o.ID))
	case p == nil || !web.WantsHTML(c):
		return err
	case p.Status == http.StatusPreconditionFailed && o.Status == placed:
		f.Outdated, f.Match = true, o.ETag()
	case p.Status != http.StatusUnprocessableEntity:
		return err
	}
	f.Faults = map[string]string{}
	for _, fault := range p.Fields {
		f.Faults[fault.Name] = fault.Detail
	}
	return h.showForm(c, p.Status, f)
}

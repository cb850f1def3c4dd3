// The order form. It works without script: its buttons to add and remove lines ask for the form again with all that was
// typed (a GET), and after a fault it comes back as it was sent, with each fault at its field.
package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/problem"
	"msatom/shared/web"
)

// formView is the form as it was typed.
type formView struct {
	ID       int64  // of the order that is changed, 0 for a new one
	Match    string // its entity tag when the form was made
	Request  string // names this form, so that sending it twice places one order
	Customer string
	Shipping Address
	Billing  Address
	Lines    []formLine
	Faults   map[string]string // by field

	Customers []Customer
	Items     []Item
}

type formLine struct{ Count, Item string }

func readForm(v url.Values) *formView {
	address := func(name string) Address {
		return Address{Street: v.Get(name + ".street"), Zip: v.Get(name + ".zip"), City: v.Get(name + ".city")}
	}
	f := &formView{Match: v.Get("match"), Request: v.Get("request"), Customer: v.Get("customer"),
		Shipping: address("shippingAddress"), Billing: address("billingAddress")}
	for i := range maxLines + 1 {
		name := fmt.Sprintf("orderLine[%d]", i)
		if v.Has(name+".count") || v.Has(name+".item") {
			f.Lines = append(f.Lines, formLine{v.Get(name + ".count"), v.Get(name + ".item")})
		}
	}
	return f
}

// draft is the order that the form asks for. What is not a number becomes 0, which Draft.check refuses at its field.
func (f *formView) draft() (d Draft, err error) {
	var faults problem.Faults
	d = Draft{Shipping: f.Shipping, Billing: f.Billing}
	if d.Billing == (Address{}) {
		d.Billing = d.Shipping // as the form says beside the fields
	}
	if f.Request != "" {
		d.Request = faults.Text("request", f.Request, maxText)
	}
	d.Customer = customerID(number(f.Customer))
	d.Lines = make([]DraftLine, len(f.Lines))
	for i, l := range f.Lines {
		d.Lines[i] = DraftLine{Count: pieces(number(l.Count)), Item: itemID(number(l.Item))}
	}
	return d, faults.Err()
}

func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// form shows the form: empty, or of the order ?order=, or, after "add" or "remove", with a line more or less.
func (h *orderWeb) form(c echo.Context) error {
	if _, err := web.Negotiate(c, web.HTML); err != nil {
		return err
	}
	q := c.QueryParams()
	f := readForm(q)
	remove, err := strconv.Atoi(q.Get("remove"))
	switch {
	case q.Has("add"):
		f.ID = number(q.Get("order"))
		f.Lines = append(f.Lines, formLine{Count: "1"})
	case q.Has("remove") && err == nil && remove >= 0 && remove < len(f.Lines):
		f.ID = number(q.Get("order"))
		f.Lines = append(f.Lines[:remove], f.Lines[remove+1:]...)
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
		f.Lines = []formLine{{Count: "1"}}
	}
	if f.Request == "" {
		f.Request = rand.Text()
	}
	return h.showForm(c, http.StatusOK, f)
}

func formOf(o Order) *formView {
	f := &formView{ID: o.ID, Match: o.ETag(), Customer: fmt.Sprint(o.CustomerID), Shipping: o.Shipping, Billing: o.Billing}
	for _, l := range o.Lines {
		f.Lines = append(f.Lines, formLine{fmt.Sprint(l.Count), fmt.Sprint(l.Item.ID)})
	}
	return f
}

func (h *orderWeb) showForm(c echo.Context, status int, f *formView) (err error) {
	ctx := c.Request().Context()
	if f.Customers, err = h.catalog.Customers(ctx, number(f.Customer)); err != nil {
		return err
	}
	var chosen []int64
	for _, l := range f.Lines {
		chosen = append(chosen, number(l.Item))
	}
	if f.Items, err = h.catalog.Items(ctx, chosen...); err != nil {
		return err
	}
	title := "New order"
	if f.ID != 0 {
		title = fmt.Sprintf("Change order %d", f.ID)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(status, "form", web.Page{Title: title, Data: f})
}

// afterForm leads to the order, or back to the form where its values cannot be accepted.
func (h *orderWeb) afterForm(c echo.Context, f *formView, o Order, err error) error {
	p := problem.As(err)
	switch {
	case err == nil:
		return c.Redirect(http.StatusSeeOther, fmt.Sprintf("/order/%d", o.ID))
	case p == nil || p.Status != http.StatusUnprocessableEntity || !web.WantsHTML(c):
		return err
	}
	f.Faults = map[string]string{}
	for _, fault := range p.Fields {
		f.Faults[fault.Name] = fault.Detail
	}
	return h.showForm(c, p.Status, f)
}

// The addresses of customers and items: list and add.
package main

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"msatom/shared/problem"
	"msatom/shared/web"
)

type catalogWeb struct{ catalog *Catalog }

func (h *catalogWeb) routes(e *echo.Echo) {
	web.Get(e, "/order/customer/", func(c echo.Context) error { return h.customers(c, http.StatusOK, catalogView{}) })
	e.POST("/order/customer/", h.addCustomer)
	web.Get(e, "/order/item/", func(c echo.Context) error { return h.items(c, http.StatusOK, catalogView{}) })
	e.POST("/order/item/", h.addItem)
}

// catalogView is a list with the form to add to it: as it was typed, with the faults by field.
type catalogView struct {
	Customers []Customer
	Items     []Item
	Find      string // what their names contain
	More      bool   // there are more than these
	Typed     map[string]string
	Faults    map[string]string
}

// Sizes of the lists: all that a program gets, and what a page shows.
const (
	listed    = 1000
	pageLines = 100
)

func (h *catalogWeb) customers(c echo.Context, status int, view catalogView) error {
	view.Find = web.Sought(c, "find")
	limit, err := web.Query(c, "limit", listed, listed)
	if err != nil {
		return err
	}
	list, err := h.catalog.Customers(c.Request().Context(), view.Find, int(limit))
	if err != nil {
		return err
	}
	view.Customers, view.More = atMost(pageLines, list)
	return show(c, status, "customers", "Customers", view, list)
}

func (h *catalogWeb) items(c echo.Context, status int, view catalogView) error {
	view.Find = web.Sought(c, "find")
	limit, err := web.Query(c, "limit", listed, listed)
	if err != nil {
		return err
	}
	list, err := h.catalog.Items(c.Request().Context(), view.Find, int(limit))
	if err != nil {
		return err
	}
	view.Items, view.More = atMost(pageLines, list)
	return show(c, status, "items", "Items", view, list)
}

func show[T any](c echo.Context, status int, name, title string, view catalogView, list []T) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	if mediaType == web.HTML {
		return c.Render(status, name, web.Page{Title: title, Data: view})
	}
	if list == nil {
		list = []T{}
	}
	return c.JSON(status, list)
}

func (h *catalogWeb) addCustomer(c echo.Context) error {
	mediaType, err := web.BodyType(c)
	if err != nil {
		return err
	}
	var in Customer
	if mediaType == web.Form {
		in = Customer{Firstname: c.FormValue("firstname"), Name: c.FormValue("name"), Email: c.FormValue("email")}
	} else if err := web.ReadJSON(c, &in); err != nil {
		return err
	}
	added, err := h.catalog.AddCustomer(c.Request().Context(), in)
	if p := problem.As(err); p != nil && mediaType == web.Form && web.WantsHTML(c) {
		return h.customers(c, p.Status, typed(c, p, "firstname", "name", "email"))
	}
	return after(c, mediaType, "/order/customer/", added, err)
}

func (h *catalogWeb) addItem(c echo.Context) error {
	mediaType, err := web.BodyType(c)
	if err != nil {
		return err
	}
	var in struct {
		Name  string          `json:"name"`
		Price json.RawMessage `json:"price"`
	}
	if mediaType == web.Form {
		in.Name, in.Price = c.FormValue("name"), json.RawMessage(c.FormValue("price"))
	} else if err := web.ReadJSON(c, &in); err != nil {
		return err
	}
	added, err := h.catalog.AddItem(c.Request().Context(), in.Name, string(in.Price))
	if p := problem.As(err); p != nil && mediaType == web.Form && web.WantsHTML(c) {
		return h.items(c, p.Status, typed(c, p, "name", "price"))
	}
	return after(c, mediaType, "/order/item/", added, err)
}

func typed(c echo.Context, p *problem.Error, fields ...string) catalogView {
	v := catalogView{Typed: map[string]string{}, Faults: map[string]string{}}
	for _, name := range fields {
		v.Typed[name] = c.FormValue(name)
	}
	for _, f := range p.Fields {
		v.Faults[f.Name] = f.Detail
	}
	return v
}

// after answers an addition: a form leads back to the list, JSON gets what was added.
func after(c echo.Context, mediaType, list string, added any, err error) error {
	switch {
	case err != nil:
		return err
	case mediaType == web.Form:
		return c.Redirect(http.StatusSeeOther, list)
	}
	return c.JSON(http.StatusCreated, added)
}

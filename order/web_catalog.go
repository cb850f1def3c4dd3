// The addresses of customers and items: their lists, and forms to add to them.
package main

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"msatom/shared/list"
	"msatom/shared/page"
	"msatom/shared/problem"
	"msatom/shared/web"
)

// catalogWeb serves a table of the catalog.
type catalogWeb[T interface{ fullName() string }] struct {
	db    *gorm.DB
	table catalogTable[T]
	name  string // of its page
	// insert reads a new entry from a request, from the fields of a form or from JSON, and adds it.
	insert func(c echo.Context, isForm bool) (T, error)
}

// catalogView is a list and the form to add to it, with what was typed and what is wrong with it,
// by field.
type catalogView[T any] struct {
	Entries []T
	Find    string // text that the names contain
	HasMore bool   // the list has more entries than the page shows
	Typed   url.Values
	Faults  map[string]string
}

const (
	maxListed  = 1000 // entries in JSON
	maxOnAPage = 100  // entries on a page
)

func customerWeb(db *gorm.DB) catalogWeb[Customer] {
	return catalogWeb[Customer]{db, customers, "customers", func(c echo.Context, isForm bool) (in Customer, err error) {
		if isForm {
			in = Customer{Firstname: c.FormValue("firstname"), Name: c.FormValue("name"), Email: c.FormValue("email")}
		} else if err := web.ReadJSON(c, &in); err != nil {
			return in, err
		}
		return addCustomer(db.WithContext(c.Request().Context()), in)
	}}
}

func itemWeb(db *gorm.DB) catalogWeb[Item] {
	return catalogWeb[Item]{db, items, "items", func(c echo.Context, isForm bool) (Item, error) {
		var in struct {
			Name  string          `json:"name"`
			Price json.RawMessage `json:"price"`
		}
		if isForm {
			in.Name, in.Price = c.FormValue("name"), json.RawMessage(c.FormValue("price"))
		} else if err := web.ReadJSON(c, &in); err != nil {
			return Item{}, err
		}
		return addItem(db.WithContext(c.Request().Context()), in.Name, string(in.Price))
	}}
}

// list shows the list, and a form that is empty.
func (h catalogWeb[T]) list(c echo.Context) error {
	return h.show(c, http.StatusOK, catalogView[T]{})
}

func (h catalogWeb[T]) show(c echo.Context, status int, view catalogView[T]) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	view.Find = web.SearchText(c, "find")
	limit, err := web.Query(c, "limit", maxListed, maxListed)
	if err != nil {
		return err
	}
	found, err := h.table.containing(h.db.WithContext(c.Request().Context()), view.Find, int(limit))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	if mediaType == web.JSON {
		return c.JSON(status, found)
	}
	view.Entries, view.HasMore = list.Cut(found, maxOnAPage)
	return c.Render(status, h.name, web.Page{Title: page.Title(h.name), Data: view})
}

// add adds an entry. It answers a form with a redirect to the list of entries with that name, which
// shows what was added however long the list is, or with the form if its values were refused. It
// answers JSON with what was added.
func (h catalogWeb[T]) add(c echo.Context) error {
	mediaType, err := web.BodyType(c)
	if err != nil {
		return err
	}
	added, err := h.insert(c, mediaType == web.Form)
	p := problem.As(err)
	switch {
	case p != nil && mediaType == web.Form && web.WantsHTML(c):
		view := catalogView[T]{Typed: c.Request().PostForm, Faults: map[string]string{}}
		for _, f := range p.Fields {
			view.Faults[f.Name] = f.Detail
		}
		return h.show(c, p.Status, view)
	case err != nil:
		return err
	case mediaType == web.Form:
		return c.Redirect(http.StatusSeeOther, c.Path()+"?find="+url.QueryEscape(added.fullName()))
	}
	return c.JSON(http.StatusCreated, added)
}

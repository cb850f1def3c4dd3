// The addresses of orders: a list and single ones, as pages, JSON, and (the list) as the feed.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/feed"
	"msatom/shared/problem"
	"msatom/shared/web"
)

type orderWeb struct {
	orders   *Orders
	catalog  *Catalog
	log      *feed.Log
	instance string
}

func (h *orderWeb) routes(e *echo.Echo) {
	web.Get(e, "/order/", h.list)
	e.POST("/order/", h.place)
	web.Get(e, "/order/form.html", h.form)
	web.Get(e, "/order/:id", h.show)
	e.PUT("/order/:id", h.change)
	e.DELETE("/order/:id", h.cancel)
}

// Page sizes of a list.
const (
	pageSize    = 50
	maxPageSize = 1000
)

type listView struct {
	Orders []Order
	Name   string
	Next   string // address of the next page, "" on the last
	First  bool
}

func (h *orderWeb) list(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON, "application/atom+xml")
	if err != nil {
		return err
	}
	if mediaType == "application/atom+xml" {
		return h.log.Serve(c.Response(), c.Request(), 0, mediaType)
	}
	sel := Selection{Name: strings.ToValidUTF8(strings.ReplaceAll(c.QueryParam("name"), "\x00", ""), "")}
	if sel.Before, err = web.Query(c, "before", math.MaxInt64, math.MaxInt64); err != nil {
		return err
	}
	limit, err := web.Query(c, "limit", pageSize, maxPageSize)
	if err != nil {
		return err
	}
	sel.Limit = int(limit)
	variant := "json"
	if mediaType == web.HTML {
		variant = "html-" + h.instance // which the page names
	}
	contentType := map[string]string{web.HTML: "text/html; charset=utf-8", web.JSON: web.JSON}[mediaType]
	return h.log.ServeState(c.Response(), c.Request(), variant, contentType, func(body *bytes.Buffer) error {
		list, more, err := h.orders.List(c.Request().Context(), sel)
		if err != nil {
			return err
		}
		view := listView{Orders: list, Name: sel.Name, First: sel.Before == math.MaxInt64}
		if more {
			view.Next = next(sel, list[len(list)-1].ID)
			c.Response().Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, view.Next))
		}
		if mediaType == web.JSON {
			if list == nil {
				list = []Order{}
			}
			return json.NewEncoder(body).Encode(list)
		}
		return c.Echo().Renderer.Render(body, "list", web.Page{Title: "Orders", Data: view}, c)
	})
}

// next is the address of the page that begins below an order.
func next(sel Selection, before int64) string {
	q := url.Values{"before": {fmt.Sprint(before)}}
	if sel.Limit != pageSize {
		q.Set("limit", fmt.Sprint(sel.Limit))
	}
	if sel.Name != "" {
		q.Set("name", sel.Name)
	}
	return "/order/?" + q.Encode()
}

func (h *orderWeb) show(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
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
	if mediaType == web.HTML {
		c.Response().Header().Set("Cache-Control", "no-cache")
		return c.Render(http.StatusOK, "order", web.Page{Title: fmt.Sprintf("Order %d", id), Data: o})
	}
	return answer(c, http.StatusOK, o)
}

// answer writes an order as JSON. A GET that has it already is answered 304.
func answer(c echo.Context, status int, o Order) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("ETag", o.ETag())
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", web.JSON)
	if status != http.StatusOK || c.Request().Method == http.MethodPut || c.Request().Method == http.MethodDelete {
		return c.Blob(status, web.JSON, append(b, '\n'))
	}
	c.Request().Header.Del("If-Modified-Since") // two changes can fall into one second
	http.ServeContent(c.Response(), c.Request(), "", o.Updated.Time(), bytes.NewReader(append(b, '\n')))
	return nil
}

func (h *orderWeb) place(c echo.Context) error {
	d, _, form, err := draft(c)
	if err != nil {
		return err
	}
	o, err := h.orders.Place(c.Request().Context(), d)
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
	d, match, form, err := draft(c)
	if err != nil {
		return err
	}
	o, err := h.orders.Change(c.Request().Context(), id, match, d)
	if form != nil {
		form.ID = id
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
	if byForm && web.WantsHTML(c) {
		return c.Redirect(http.StatusSeeOther, fmt.Sprintf("/order/%d", id))
	}
	return answer(c, http.StatusOK, o)
}

// draft reads what a client sent: JSON, or a form, which is then returned too.
func draft(c echo.Context) (d Draft, match string, form *formView, err error) {
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
	values, err := c.FormParams()
	if err != nil {
		return d, "", nil, problem.New(http.StatusUnsupportedMediaType, "The form cannot be read: %v.", err)
	}
	form = readForm(values)
	d, err = form.draft()
	return d, form.Match, form, err
}

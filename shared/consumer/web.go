// The addresses of the records: the list, and each by itself, as pages and JSON.

package consumer

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"msatom/shared/consumerstatus"
	"msatom/shared/list"
	"msatom/shared/page"
	"msatom/shared/web"
)

// Listing is what pages/list.html sees as .Data.
type Listing struct {
	Polling consumerstatus.View // {{template "polling" .Polling}} shows how the polls go, and the dead letters
	Records any                 // a slice: what List read
	Page    web.Paging          // {{template "filter" .Page}} chooses what is shown, {{template "paging" .Page}} leads to the next part
}

func (c Service[S, R]) routes(e *echo.Echo, db *gorm.DB, status *consumerstatus.Consumer) {
	web.Get(e, "/"+c.Name+"/", func(ec echo.Context) error {
		mediaType, err := web.Negotiate(ec, web.HTML, web.JSON)
		if err != nil {
			return err
		}
		p, err := web.Paged(ec, mediaType, c.Offer)
		if err != nil {
			return err
		}
		rows, next, err := c.ReadList(db.WithContext(ec.Request().Context()), p.Part)
		if err != nil {
			return err
		}
		if next != (list.Place{}) {
			p.More(ec, next)
		}
		if mediaType == web.JSON {
			return ec.JSON(http.StatusOK, rows)
		}
		view := Listing{Records: rows, Page: p}
		if view.Polling, err = status.View(ec); err != nil {
			return err
		}
		return ec.Render(http.StatusOK, "list", web.Page{Title: c.Title, Data: view})
	})
	web.Get(e, "/"+c.Name+"/:id", func(ec echo.Context) error {
		mediaType, err := web.Negotiate(ec, web.JSON, web.HTML)
		if err != nil {
			return err
		}
		id, err := web.ID(ec)
		if err != nil {
			return err
		}
		record, err := c.Get(db.WithContext(ec.Request().Context()), id)
		if err != nil {
			return err
		}
		if mediaType == web.JSON {
			return ec.JSON(http.StatusOK, record)
		}
		return ec.Render(http.StatusOK, c.Record, web.Page{Title: fmt.Sprintf("%s %d", page.Title(c.Record), id), Data: record})
	})
}

// The addresses of deliveries: the report, and order's part of the front page.
package main

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"msatom/shared/web"
)

type deliveriesWeb struct {
	deliveries *Deliveries
	overview   *overviewCache
}

func (h *deliveriesWeb) showReport(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	r, err := h.deliveries.Report(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if mediaType == web.JSON {
		return c.JSON(http.StatusOK, r)
	}
	return c.Render(http.StatusOK, "deliveries", web.Page{Title: "Deliveries", Data: r})
}

// showOverview answers with a part of the front page. The reverse proxy includes it there, and each
// consumer's own part in it.
func (h *deliveriesWeb) showOverview(c echo.Context) error {
	o, err := h.overview.get(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(http.StatusOK, "overview", web.Page{Data: o})
}

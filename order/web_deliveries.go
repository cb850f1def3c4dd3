// The addresses of deliveries: all of them at a glance, and the button that publishes an order again.
package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/web"
)

type deliveriesWeb struct {
	orders     *Orders
	deliveries *Deliveries
	overview   *overview
}

func (h *deliveriesWeb) routes(e *echo.Echo) {
	web.Get(e, "/order/deliveries", h.report)
	web.Get(e, "/order/overview", h.overall)
	e.POST("/order/:id/publish", h.publish)
}

func (h *deliveriesWeb) report(c echo.Context) error {
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

// overall is a part of the front page. The front door puts into it what each consumer says of itself, and the whole into its page.
func (h *deliveriesWeb) overall(c echo.Context) error {
	o, err := h.overview.get(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(http.StatusOK, "overview", web.Page{Data: o})
}

// publish publishes an order again. A form leads to the order's page, JSON gets the order.
func (h *deliveriesWeb) publish(c echo.Context) error {
	id, err := web.ID(c)
	if err != nil {
		return err
	}
	o, err := h.orders.Republish(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if strings.HasPrefix(c.Request().Header.Get("Content-Type"), web.Form) {
		return c.Redirect(http.StatusSeeOther, fmt.Sprintf("/order/%d", id))
	}
	return answer(c, http.StatusOK, o)
}

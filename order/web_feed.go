// The addresses of the feed. /feed is the one of the original.
package main

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"msatom/shared/feed"
	"msatom/shared/problem"
	"msatom/shared/web"
)

type feedWeb struct{ log *feed.Log }

func (h *feedWeb) routes(e *echo.Echo) {
	for _, path := range []string{"/order/feed", "/feed"} {
		web.Get(e, path, func(c echo.Context) error { return h.document(c, 0) })
	}
	web.Get(e, "/order/feed/:n", func(c echo.Context) error {
		n, err := strconv.ParseInt(c.Param("n"), 10, 64)
		if err != nil || n < 1 || strconv.FormatInt(n, 10) != c.Param("n") {
			return problem.NotFound("Documents of the feed are numbered 1, 2, 3, ...")
		}
		return h.document(c, n)
	})
}

func (h *feedWeb) document(c echo.Context, n int64) error {
	var offers []string
	for _, d := range feed.Dialects {
		offers = append(offers, d.Types...)
	}
	mediaType, err := web.Negotiate(c, offers...)
	if err != nil {
		return err
	}
	return h.log.Serve(c.Response(), c.Request(), n, mediaType)
}

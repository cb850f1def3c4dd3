// Package feedweb gives a log its addresses: a service publishes its feed by one call of New.
package feedweb

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"msatom/shared/feed"
	"msatom/shared/problem"
	"msatom/shared/web"
)

type handler struct {
	log   *feed.Log
	types []string // media types of all dialects
}

// New adds to e the recent document, at the log's path and at aliases of it, and document n at path/n.
func New(e *echo.Echo, log *feed.Log, aliases ...string) {
	h := &handler{log, feed.Types()}
	for _, path := range append([]string{log.Path}, aliases...) {
		web.Get(e, path, h.recent)
	}
	web.Get(e, log.Path+"/:n", h.document)
}

// recent answers in any dialect. A query of http-feeds has one answer, CloudEvents, also for a client that asks for just JSON.
func (h *handler) recent(c echo.Context) error {
	events := feed.CloudEvents.Types[0]
	offers, asked := h.types, c.Request().URL.RawQuery != "" && feed.AsksForEvents(c.QueryParams())
	if asked {
		offers = []string{events, web.JSON}
	}
	mediaType, err := web.Negotiate(c, offers...)
	if err != nil {
		return err
	}
	if asked || mediaType == events {
		return h.log.ServeEvents(c.Response(), c.Request(), mediaType)
	}
	return h.log.Serve(c.Response(), c.Request(), 0, mediaType)
}

func (h *handler) document(c echo.Context) error {
	n, err := strconv.ParseInt(c.Param("n"), 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != c.Param("n") {
		return problem.NotFound("Documents of the feed are numbered 1, 2, 3, ...")
	}
	mediaType, err := web.Negotiate(c, h.types...)
	if err != nil {
		return err
	}
	return h.log.Serve(c.Response(), c.Request(), n, mediaType)
}

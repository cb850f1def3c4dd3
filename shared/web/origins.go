package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// This file is about pages of other origins: a browser lets their scripts read a feed only if the operator has named them (CORS).

// GetFrom registers a handler of a feed for GET and HEAD, and lets the pages of some origins read the answers; "*" stands for all. It also
// answers the question that a browser asks before a request with a header such as If-None-Match (preflight). The handler adds Origin to
// Vary, if there are origins.
func GetFrom(origins []string, e *echo.Echo, path string, h echo.HandlerFunc) {
	if len(origins) == 0 {
		Get(e, path, h)
		return
	}
	cors := middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins:  origins,
		AllowMethods:  []string{http.MethodGet, http.MethodHead},
		AllowHeaders:  []string{"If-None-Match", "If-Modified-Since", "Prefer", "A-IM"},
		ExposeHeaders: []string{"ETag", "Link", "IM", "Preference-Applied", "Retry-After"},
	})
	Get(e, path, cors(h))
	e.OPTIONS(path, cors(h)) // h is never called
}

package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"msatom/shared/problem"
)

// policy allows a page its style sheet, its script, and requests and forms to its own host.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers sets the headers of every response.
func headers(o Options) echo.MiddlewareFunc {
	always := http.Header{}
	always.Set("X-Instance", o.Instance)
	always.Set("X-Content-Type-Options", "nosniff")
	always.Set("Referrer-Policy", "same-origin")
	always.Set("Content-Security-Policy", policy)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			maps.Copy(c.Response().Header(), always)
			return next(c)
		}
	}
}

// readBody reads the body before the handler runs. A client that sends Expect: 100-continue, as Apache does, waits until somebody
// reads the body; if the handler answered without reading it, client and server would wait for each other.
func readBody() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength == 0 {
				return next(c)
			}
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(b))
			return next(c)
		}
	}
}

// sameOrigin refuses requests that a page of another site makes a browser send (by Sec-Fetch-Site and Origin).
func sameOrigin() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return problem.New(http.StatusForbidden, "A page of another site sent this request, so it was refused. Nothing was changed.")
			}
			return next(c)
		}
	}
}

// parseForm parses a submitted form. A field _method turns a POST into PUT or DELETE, which HTML forms cannot send.
func parseForm() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				return next(c)
			}
			if t, err := BodyType(c); err != nil || t != Form {
				return next(c)
			}
			var he *echo.HTTPError
			if err := r.ParseForm(); errors.As(err, &he) { // from BodyLimit
				return err
			} else if err != nil {
				return problem.New(http.StatusUnsupportedMediaType, "The form cannot be parsed: %v.", err)
			}
			if m := r.PostForm.Get("_method"); r.Method == http.MethodPost && (m == http.MethodPut || m == http.MethodDelete) {
				r.Method = m
			}
			return next(c)
		}
	}
}

// deadline ends the context of a request after maxHandler, or maxPatient. A handler that fails because of that answers 503.
func deadline() echo.MiddlewareFunc {
	isPatient := func(c echo.Context) bool {
		r := c.Request()
		isLongPoll := strings.HasSuffix(r.URL.Path, "/feed") && (r.Header.Get("Prefer") != "" || r.URL.Query().Has("timeout"))
		return isLongPoll || strings.HasSuffix(r.URL.Path, "/poll")
	}
	long := middleware.ContextTimeout(maxPatient)
	short := middleware.ContextTimeoutWithConfig(middleware.ContextTimeoutConfig{Timeout: maxHandler, Skipper: isPatient})
	return func(next echo.HandlerFunc) echo.HandlerFunc { return long(short(next)) }
}

// isFile reports whether an address is that of the style sheet or the script, which need no database.
func isFile(path string) bool {
	return strings.HasSuffix(path, ".css") || strings.HasSuffix(path, ".js")
}

// whenReady answers 503 until the service is ready.
func whenReady(o Options) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if strings.HasPrefix(c.Request().URL.Path, "/"+o.Service+"/") && !isFile(c.Request().URL.Path) {
				if ok, _ := o.Ready(); !ok {
					return problem.Unavailable("The database of %s is unavailable, so the request was not processed. The service is reconnecting. Please try again in a moment.", o.Service)
				}
			}
			return next(c)
		}
	}
}

// answered identifies a histogram of response times.
type answered struct {
	method, route string
	status        int
}

var histograms sync.Map // by answered

func (a answered) histogram() *metrics.PrometheusHistogram {
	if h, ok := histograms.Load(a); ok {
		return h.(*metrics.PrometheusHistogram)
	}
	h := metrics.GetOrCreatePrometheusHistogramExt(
		fmt.Sprintf("msatom_http_request_seconds{method=%q,route=%q,status=\"%d\"}", a.method, a.route, a.status),
		metrics.ExponentialBuckets(0.0005, 4, 8))
	histograms.Store(a, h)
	return h
}

// observe measures every request, and logs those that change something or fail. Others are logged at level debug.
func observe(o Options) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			if err := next(c); err != nil {
				c.Error(err)
			}
			status, route := c.Response().Status, c.Path()
			if route == "" {
				route = "none" // the path itself would be an unbounded label
			}
			method := c.Request().Method
			switch method {
			case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
			default:
				method = "other"
			}
			answered{method, route, status}.histogram().UpdateDuration(start)
			level := slog.LevelDebug
			if status >= 500 && status != http.StatusServiceUnavailable {
				level = slog.LevelError
			} else if method != http.MethodGet && method != http.MethodHead {
				level = slog.LevelInfo
			}
			if !slog.Default().Enabled(c.Request().Context(), level) {
				return nil
			}
			slog.Log(c.Request().Context(), level, "request", "method", method, "path", c.Request().URL.Path, "status", status, "took", time.Since(start).Round(time.Microsecond))
			return nil
		}
	}
}

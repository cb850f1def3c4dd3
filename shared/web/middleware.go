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

	"msatom/shared/problem"
)

// policy lets a page load its style sheet and its script, ask its own host and send its forms, nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers go with every answer.
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

// readBody reads a body before anything is answered. net/http would do so in the end; but a client who waits to be told to send it, as Apache
// does (Expect: 100-continue), would then wait for the answer, and the answer for the body.
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

// sameOrigin refuses forms that another site sends: net/http's protection by Sec-Fetch-Site and Origin.
func sameOrigin() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return problem.New(http.StatusForbidden, "This was sent by a page of another site.")
			}
			return next(c)
		}
	}
}

// readForm reads a form whole or refuses it. Its field _method says PUT or DELETE, which HTML cannot, in a POST.
func readForm() echo.MiddlewareFunc {
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
			if err := r.ParseForm(); errors.As(err, &he) { // too large
				return err
			} else if err != nil {
				return problem.New(http.StatusUnsupportedMediaType, "The form cannot be read: %v.", err)
			}
			if m := r.PostForm.Get("_method"); r.Method == http.MethodPost && (m == http.MethodPut || m == http.MethodDelete) {
				r.Method = m
			}
			return next(c)
		}
	}
}

// isFile says whether an address is that of a part of the program, which needs no database.
func isFile(path string) bool {
	return strings.HasSuffix(path, ".css") || strings.HasSuffix(path, ".js")
}

// whenReady answers 503 as long as the service cannot work.
func whenReady(o Options) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if strings.HasPrefix(c.Request().URL.Path, "/"+o.Service+"/") && !isFile(c.Request().URL.Path) {
				if ok, _ := o.Ready(); !ok {
					return problem.Unavailable("The database of %s cannot be reached. It is waited for; please try again in a moment.", o.Service)
				}
			}
			return next(c)
		}
	}
}

// answered is a kind of request; the time to answer each is measured in a histogram of its kind.
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

// observe measures each request and logs those that changed something or failed.
func observe(o Options) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			if err := next(c); err != nil {
				c.Error(err)
			}
			if !c.Response().Committed {
				return nil // put aside, to be answered later
			}
			status, route := c.Response().Status, c.Path()
			if route == "" {
				route = "none" // not a route: its path could be anything
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

// Package web is the HTTP side that all services share: one server set up carefully, errors as pages or problem documents,
// content negotiation, and the addresses for operation. Echo is named in this package and in the services' web files only.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"msatom/shared/hold"
	"msatom/shared/page"
)

// Limits of a request and its answer.
const (
	MaxBody    = "1MiB"
	maxHeader  = 64 << 10
	maxHandler = 55 * time.Second // of work for one request
	maxWrite   = 70 * time.Second // until a slow reader has its answer
	finish     = 6 * time.Second  // for requests in flight when the service is stopped
)

// Options of a server.
type Options struct {
	Service  string // all its addresses are below /Service/
	Instance string
	Pages    *page.Set
	Ready    func() (ok bool, why string)
	Detail   func() map[string]any // what /readyz says besides; may be nil
}

// New is an Echo with everything but the service's own routes. Until Ready, those answer 503.
func New(o Options) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) { fail(c, o, err) }
	e.Renderer = renderer{o.Pages}

	e.Pre(headers(o), observe(o), middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			slog.Error("panic", "path", c.Request().URL.Path, "error", err, "stack", string(stack))
			return err
		},
	}), middleware.BodyLimit(MaxBody), readBody(), sameOrigin(), readForm())
	e.Use(middleware.ContextTimeoutWithConfig(middleware.ContextTimeoutConfig{Timeout: maxHandler, Skipper: bounded}), whenReady(o))

	operation(e, o)
	file(e, "/"+o.Service+"/style.css", "text/css; charset=utf-8", page.Style)
	file(e, "/"+o.Service+"/live.js", "text/javascript; charset=utf-8", page.Script)
	Get(e, "/"+o.Service, func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, "/"+o.Service+"/") })
	return e
}

// bounded says whether a handler bounds its own time, as those of feeds do: they hold thousands of requests at once.
func bounded(c echo.Context) bool {
	return strings.HasSuffix(c.Path(), "/feed") || strings.HasSuffix(c.Path(), "/feed/:n")
}

// file is a part of the program, asked for under a tag that changes with it.
func file(e *echo.Echo, path, contentType string, content []byte) {
	Get(e, path, func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		return c.Blob(http.StatusOK, contentType, content)
	})
}

// Get registers a handler for GET and for HEAD, whose body net/http leaves out.
func Get(e *echo.Echo, path string, h echo.HandlerFunc) {
	e.GET(path, h)
	e.HEAD(path, h)
}

// Serve answers requests at addr until ctx ends, then lets those in flight finish. It returns an error if it cannot listen.
func Serve(ctx context.Context, addr string, h http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return serve(ctx, l, h)
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	waiting := hold.Listen(l)
	s := &http.Server{
		Handler: h, ConnContext: waiting.ConnContext, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: maxWrite, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), finish)
		defer cancel()
		waiting.Release()
		stopped <- s.Shutdown(end)
	}()
	slog.Info("listening", "address", l.Addr().String())
	if err := s.Serve(waiting); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

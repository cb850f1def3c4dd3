// Package web is the HTTP side that all services share: the server with its limits, errors as pages or problem documents, content
// negotiation, parts of lists, and the addresses for operators. The handlers of a service belong to its own web files; only those
// files and this package import echo.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"msatom/shared/page"
)

// Limits of a request and its response. A handler returns before the reverse proxy gives up (apache/httpd.conf: after 4 s, and 60 s for
// long polls and polls by hand), so that the client gets an answer of the service, which knows why it took long.
const (
	MaxBody    = "1 MiB"
	maxHeader  = 64 << 10
	maxHandler = 3 * time.Second
	maxPatient = 55 * time.Second // for long polls and polls by hand
	maxWrite   = 70 * time.Second // until a slow client has the response
	finish     = 6 * time.Second  // for requests in flight at shutdown
)

// Options of a server.
type Options struct {
	Service  string // its addresses are below /Service/
	Instance string
	Pages    *page.Set
	Ready    func() (ok bool, why string)
	Detail   func() map[string]any // more members for /readyz; may be nil
}

// New returns an Echo with everything but the service's own routes. Those answer 503 until Ready.
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
	}), middleware.BodyLimit(MaxBody), readBody(), sameOrigin(), parseForm())
	e.Use(deadline(), whenReady(o))

	operation(e, o)
	for name, content := range o.Pages.Files() {
		contentType := "text/javascript; charset=utf-8"
		if path.Ext(name) == ".css" {
			contentType = "text/css; charset=utf-8"
		}
		file(e, "/"+o.Service+"/"+name, contentType, content)
	}
	Get(e, "/"+o.Service, func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, "/"+o.Service+"/") })
	return e
}

// file serves an embedded file. Pages add a tag to its address that changes with its content, so browsers may cache it forever.
func file(e *echo.Echo, path, contentType string, content []byte) {
	Get(e, path, func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		return c.Blob(http.StatusOK, contentType, content)
	})
}

// Get registers a handler for GET and HEAD; net/http omits the body of HEAD.
func Get(e *echo.Echo, path string, h echo.HandlerFunc) {
	e.GET(path, h)
	e.HEAD(path, h)
}

// Serve serves requests at addr until ctx ends, then finishes those in flight. It returns an error if it cannot listen.
func Serve(ctx context.Context, addr string, h http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return serve(ctx, l, h)
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: maxWrite, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), finish)
		defer cancel()
		stopped <- s.Shutdown(end)
	}()
	slog.Info("listening", "address", l.Addr().String())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/elnormous/contenttype"
	"github.com/labstack/echo/v4"

	"msatom/shared/page"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// This file chooses the form of a response: content negotiation, pages, errors.

// Media types of responses.
const (
	HTML = "text/html"
	JSON = "application/json"
)

// maxAccept bounds the Accept header, in bytes. Browsers send about 200.
const maxAccept = 4 << 10

// parameter matches parameters of a media range that are ignored, because no offer has any.
var parameter = regexp.MustCompile(`(?i);\s*(charset|type)="?[\w-]*"?`)

var varies = []string{"Accept"}

// Negotiate returns the media type among offers that the Accept header prefers; the first offer is the default. Errors:
// problem.Error 406, which names the offers.
func Negotiate(c echo.Context, offers ...string) (string, error) {
	c.Response().Header()["Vary"] = varies
	accept := strings.Join(c.Request().Header.Values("Accept"), ",")
	if accept == "" {
		return offers[0], nil
	}
	if slices.Contains(offers, accept) {
		return accept, nil // the usual case for programs
	}
	var available []contenttype.MediaType
	for _, o := range offers {
		available = append(available, contenttype.NewMediaType(o))
	}
	if len(accept) <= maxAccept {
		if t, _, err := contenttype.GetAcceptableMediaTypeFromHeader(parameter.ReplaceAllString(accept, ""), available); err == nil {
			return t.MIME(), nil
		}
	}
	p := problem.New(http.StatusNotAcceptable, "Available media types:")
	for _, o := range offers {
		p.Detail += " " + o
	}
	return "", p
}

// WantsHTML reports whether the client prefers HTML, as browsers do. A client that accepts anything gets JSON.
func WantsHTML(c echo.Context) bool {
	t, err := Negotiate(c, JSON, HTML)
	return err == nil && t == HTML
}

// renderer implements echo.Renderer. Its data is a Page.
type renderer struct{ pages *page.Set }

// Page is the title of a page and the .Data of its template.
type Page struct {
	Title string
	Data  any
}

// Render implements echo.Renderer.
func (r renderer) Render(w io.Writer, name string, data any, _ echo.Context) error {
	p := data.(Page)
	b, err := r.pages.Render(name, p.Title, p.Data)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

// fail answers with an error. All errors end here.
func fail(c echo.Context, o Options, err error) {
	if c.Response().Committed {
		return
	}
	p := problemOf(c, err)
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "2")
	}
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(p.Status)
		return
	}
	if WantsHTML(c) {
		if b, err := o.Pages.Render("error", p.Title, p); err == nil {
			_ = c.HTMLBlob(p.Status, b)
			return
		}
	}
	h.Set("Content-Type", "application/problem+json")
	c.Response().WriteHeader(p.Status)
	_ = c.Echo().JSONSerializer.Serialize(c, p, "")
}

// checkFirst is the advice after a request that may have been processed, although its answer is an error.
const checkFirst = "If you were changing something, check whether the change was made before you try again."

const tooSlow = "The request took too long. " + checkFirst

func problemOf(c echo.Context, err error) *problem.Error {
	if p := problem.As(err); p != nil {
		return p
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		p := problem.New(he.Code, "")
		switch he.Code {
		case http.StatusNotFound:
			p.Detail = "There is nothing at this address."
		case http.StatusMethodNotAllowed:
			p.Detail = "The method " + c.Request().Method + " is not allowed at this address."
		case http.StatusRequestEntityTooLarge:
			p.Detail = "The data that was sent is larger than " + MaxBody + "."
		case http.StatusServiceUnavailable: // from ContextTimeout
			p.Detail = tooSlow
		}
		return p
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem.New(http.StatusRequestEntityTooLarge, "The data that was sent is larger than %s.", MaxBody)
	case postgres.Down(err):
		return problem.Unavailable("The database is unavailable. The service is reconnecting. " + checkFirst)
	case errors.Is(err, context.DeadlineExceeded), postgres.Code(err) == "57014", postgres.Code(err) == "55P03":
		return problem.Unavailable(tooSlow)
	case strings.HasPrefix(postgres.Code(err), "40"): // Postgres has rolled the transaction back, for example because of a deadlock
		return problem.Unavailable("The request collided with another one, so nothing was changed. Please try again.")
	case errors.Is(err, context.Canceled):
		return problem.New(http.StatusServiceUnavailable, "The request was cancelled.")
	}
	slog.Error("request failed", "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
	return problem.New(http.StatusInternalServerError, "Internal error. It has been logged.")
}

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

// Media types of answers.
const (
	HTML = "text/html"
	JSON = "application/json"
)

// maxAccept bounds an Accept header: browsers send some 200 bytes.
const maxAccept = 4 << 10

// parameter of a media range that changes nothing here: no offer has one.
var parameter = regexp.MustCompile(`(?i);\s*(charset|type)="?[\w-]*"?`)

var varies = []string{"Accept"}

// Negotiate picks by the Accept header among offers, the first of which is the default. It returns a problem.Error: 406
// names the offers.
func Negotiate(c echo.Context, offers ...string) (string, error) {
	c.Response().Header()["Vary"] = varies
	accept := strings.Join(c.Request().Header.Values("Accept"), ",")
	if accept == "" {
		return offers[0], nil
	}
	if slices.Contains(offers, accept) {
		return accept, nil // what programs send needs no weighing
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
	p := problem.New(http.StatusNotAcceptable, "This can be had as:")
	for _, o := range offers {
		p.Detail += " " + o
	}
	return "", p
}

// WantsHTML says whether the client asks for pages: a browser. One that takes anything gets JSON.
func WantsHTML(c echo.Context) bool {
	t, err := Negotiate(c, JSON, HTML)
	return err == nil && t == HTML
}

// renderer writes pages; the data is a Page.
type renderer struct{ pages *page.Set }

// Page is a page to be rendered: its title and what its template sees as .Data.
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

// fail is the one place where an error becomes an answer.
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

const tooSlow = "This took too long; please try again in a moment."

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
			p.Detail = "This address does not know the method " + c.Request().Method + "."
		case http.StatusRequestEntityTooLarge:
			p.Detail = "The body is larger than " + MaxBody + "."
		case http.StatusServiceUnavailable: // of the ContextTimeout
			p.Detail = tooSlow
		}
		return p
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem.New(http.StatusRequestEntityTooLarge, "The body is larger than %s.", MaxBody)
	case postgres.Down(err):
		return problem.Unavailable("The database cannot be reached. It is waited for; please try again in a moment.")
	case errors.Is(err, context.DeadlineExceeded), postgres.Code(err) == "57014", postgres.Code(err) == "55P03":
		return problem.Unavailable(tooSlow)
	case errors.Is(err, context.Canceled):
		return problem.New(http.StatusServiceUnavailable, "The request was given up.")
	}
	slog.Error("request failed", "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
	return problem.New(http.StatusInternalServerError, "Something went wrong here; it was logged.")
}

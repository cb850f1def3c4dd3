package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/problem"
)

// Form is the media type of what an HTML form sends.
const Form = "application/x-www-form-urlencoded"

// BodyType is the media type of the request's body, one of JSON and Form; all else is a problem.Error, 415.
func BodyType(c echo.Context) (string, error) {
	t, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || (t != JSON && t != Form) {
		return "", problem.New(http.StatusUnsupportedMediaType, "The body must be %s or %s.", JSON, Form)
	}
	return t, nil
}

// ReadJSON reads the body as one JSON value into v. It returns a problem.Error: 415 if the body is not JSON, 422 if a
// value has the wrong type, 413 if it is too large. Bytes that are not UTF-8 become U+FFFD, which problem.Faults.Text refuses.
func ReadJSON(c echo.Context, v any) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	err = json.Unmarshal(b, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return problem.Invalid(problem.Field{Name: cmp.Or(wrong.Field, "body"), Detail: "is a " + wrong.Value + ", which is not possible here"})
	case problem.As(err) != nil:
		return err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || !json.Valid(b) {
		return problem.New(http.StatusUnsupportedMediaType, "The body is not JSON: %v.", err)
	}
	return problem.Invalid(problem.Field{Name: "body", Detail: err.Error()})
}

// ID reads the path parameter "id". What is not a positive number as Go writes it is an error: 404, or 405 where it is an
// address of its own with other methods. (The router takes PUT /order/feed for that of an order.)
func ID(c echo.Context) (int64, error) {
	s := c.Param("id")
	id, err := strconv.ParseInt(s, 10, 64)
	if err == nil && id > 0 && strconv.FormatInt(id, 10) == s {
		return id, nil
	}
	own := c.Echo().NewContext(c.Request(), c.Response())
	c.Echo().Router().Find("no method", echo.GetPath(c.Request()), own)
	if own.Path() == c.Path() {
		return 0, problem.NotFound("Nothing has the id %.40q.", s)
	}
	c.Set(echo.ContextKeyHeaderAllow, own.Get(echo.ContextKeyHeaderAllow))
	return 0, echo.MethodNotAllowedHandler(c)
}

// Query reads a whole number from the query, or def where there is none. A bad or negative one is a problem.Error, 422.
func Query(c echo.Context, name string, def, max int64) (int64, error) {
	s := c.QueryParam(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > max {
		return 0, problem.Invalid(problem.Field{Name: name, Detail: "must be a whole number from 1 to " + strconv.FormatInt(max, 10)})
	}
	return n, nil
}

// Sought is a text of the query, without what Postgres cannot be asked for.
func Sought(c echo.Context, name string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(c.QueryParam(name), "\x00", ""), "")
}

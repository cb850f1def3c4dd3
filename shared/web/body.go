package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/problem"
)

// This file reads what a request sends: its body, the id in its path, its query.

// Form is the media type of a submitted HTML form.
const Form = "application/x-www-form-urlencoded"

// BodyType returns the media type of the request's body: JSON or Form. Errors: problem.Error 415 for any other.
func BodyType(c echo.Context) (string, error) {
	t, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || (t != JSON && t != Form) {
		return "", problem.New(http.StatusUnsupportedMediaType, "The body must be %s or %s.", JSON, Form)
	}
	return t, nil
}

// ReadJSON reads the body, one JSON value, into v. Errors: problem.Error 413 if the body is too large, 415 if it is not JSON, 422 if
// a value has the wrong type. Invalid UTF-8 becomes U+FFFD, which problem.Faults.Text refuses.
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
		return problem.Invalid(problem.Field{Name: cmp.Or(wrong.Field, "body"), Detail: "has the wrong type: " + wrong.Value})
	case problem.As(err) != nil:
		return err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || !json.Valid(b) {
		return problem.New(http.StatusUnsupportedMediaType, "The body is not JSON: %v.", err)
	}
	return problem.Invalid(problem.Field{Name: "body", Detail: err.Error()})
}

// ID reads the path parameter "id", a positive number without sign and leading zeros. Errors: problem.Error 404, or 405 if the
// address has a route of its own with other methods. (PUT /thing/feed reaches the handler of PUT /thing/:id if the service has only
// GET /thing/feed.)
func ID(c echo.Context) (int64, error) {
	s := c.Param("id")
	id, err := strconv.ParseInt(s, 10, 64)
	if err == nil && id > 0 && strconv.FormatInt(id, 10) == s {
		return id, nil
	}
	var methods []string
	for _, route := range c.Echo().Routes() {
		if route.Path == c.Request().URL.Path {
			methods = append(methods, route.Method)
		}
	}
	if len(methods) == 0 {
		return 0, problem.NotFound("%.40q is not an id. An id is a positive whole number.", s)
	}
	slices.Sort(methods)
	c.Set(echo.ContextKeyHeaderAllow, http.MethodOptions+", "+strings.Join(methods, ", "))
	return 0, echo.MethodNotAllowedHandler(c)
}

// Query reads a whole number from 1 to max from the query, or returns def if there is none. Errors: problem.Error 422.
func Query(c echo.Context, name string, def, max int64) (int64, error) {
	s := c.QueryParam(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > max {
		detail := "must be a positive whole number"
		if max < math.MaxInt64 {
			detail = "must be a whole number from 1 to " + strconv.FormatInt(max, 10)
		}
		return 0, problem.Invalid(problem.Field{Name: name, Detail: detail})
	}
	return n, nil
}

// SearchText reads a text from the query. It drops NUL and invalid UTF-8, which Postgres refuses.
func SearchText(c echo.Context, name string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(c.QueryParam(name), "\x00", ""), "")
}

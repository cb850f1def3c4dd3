package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/problem"
)

// Page sizes of a list.
const (
	pageSize    = 50
	maxPageSize = 1000
)

// Paging is a part of a list. It comes newest first, or in another order by ?sort=. ?before= says below which id it begins, in
// another order ?after= behind which; ?limit= how long it is (50, at most 1000). The template "paging" of package page shows
// its links.
type Paging struct {
	Sort   string // "" for newest first
	Behind int64  // begins behind this id; 0 for the first part
	Limit  int
	First  bool   // it is the first part
	Newest string // address of the first part
	Next   string // address of the next part, "" if there is none

	c echo.Context
}

// Paged reads the query; sorts are the other orders that the list has. What it does not know is a problem.Error, 422.
func Paged(c echo.Context, sorts ...string) (p Paging, err error) {
	p.Sort, p.c = c.QueryParam("sort"), c
	if p.Sort != "" && !slices.Contains(sorts, p.Sort) {
		return p, problem.Invalid(problem.Field{Name: "sort", Detail: "must be one of: " + strings.Join(sorts, ", ")})
	}
	if p.Behind, err = Query(c, p.place(), 0, math.MaxInt64); err != nil {
		return p, err
	}
	limit, err := Query(c, "limit", pageSize, maxPageSize)
	p.Limit, p.First, p.Newest = int(limit), p.Behind == 0, p.address(p.Sort, 0)
	return p, err
}

// place is the parameter that says where a part begins.
func (p Paging) place() string {
	if p.Sort == "" {
		return "before"
	}
	return "after"
}

// Before is Behind for a list that comes newest first only: below this id.
func (p Paging) Before() int64 {
	if p.First {
		return math.MaxInt64
	}
	return p.Behind
}

// More says that there is more behind an id: in Next, and to programs in a Link header (RFC 8288).
func (p *Paging) More(c echo.Context, id int64) {
	p.Next = p.address(p.Sort, id)
	c.Response().Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, p.Next))
}

// Column is the heading of a column by which the list can be sorted: down, as the list comes at first, and up.
type Column struct {
	Href   string // sorts by it, the other way round if the list is sorted by it
	Sorted string // for aria-sort: "descending", "ascending", or "" if the list is sorted by another column
}

// By is the heading of the column for two orders.
func (p Paging) By(down, up string) Column {
	switch p.Sort {
	case down:
		return Column{p.address(up, 0), "descending"}
	case up:
		return Column{p.address(down, 0), "ascending"}
	}
	return Column{p.address(down, 0), ""}
}

// address is that of this request, with its filters, in another order or at another place of the list.
func (p Paging) address(sort string, behind int64) string {
	q := url.Values{}
	for _, keep := range []string{"name", "limit"} {
		if v := p.c.QueryParam(keep); v != "" {
			q.Set(keep, v)
		}
	}
	if sort != "" {
		q.Set("sort", sort)
	}
	if behind != 0 {
		q.Set(p.place(), fmt.Sprint(behind))
	}
	if len(q) == 0 {
		return p.c.Path()
	}
	return p.c.Path() + "?" + q.Encode()
}

// List answers with a JSON array, which is [] when it is empty.
func List[T any](c echo.Context, list []T) error {
	if list == nil {
		list = []T{}
	}
	return c.JSON(http.StatusOK, list)
}

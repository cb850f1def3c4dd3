package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// Page sizes of a list.
const (
	pageSize    = 50
	maxPageSize = 1000
)

// Paging is a part of a list, newest first: ?before= says below which id it begins, ?limit= how long it is (50, at most 1000).
// The template "paging" of package page shows its links.
type Paging struct {
	Before int64
	Limit  int
	First  bool   // it is the newest part
	Newest string // address of the newest part
	Next   string // address of the next older part, "" if there is none
}

// Paged reads the query. Bad numbers are a problem.Error, 422.
func Paged(c echo.Context) (p Paging, err error) {
	if p.Before, err = Query(c, "before", math.MaxInt64, math.MaxInt64); err != nil {
		return p, err
	}
	limit, err := Query(c, "limit", pageSize, maxPageSize)
	p.Limit, p.First, p.Newest = int(limit), p.Before == math.MaxInt64, address(c, "")
	return p, err
}

// NextBefore says that there is more below an id: in Next, and to programs in a Link header (RFC 8288).
func (p *Paging) NextBefore(c echo.Context, id int64) {
	p.Next = address(c, fmt.Sprint(id))
	c.Response().Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, p.Next))
}

// address is that of this request, with its filters, at another place of the list.
func address(c echo.Context, before string) string {
	q := url.Values{}
	for _, keep := range []string{"name", "limit"} {
		if v := c.QueryParam(keep); v != "" {
			q.Set(keep, v)
		}
	}
	if before != "" {
		q.Set("before", before)
	}
	if len(q) == 0 {
		return c.Path()
	}
	return c.Path() + "?" + q.Encode()
}

// List answers with a JSON array, which is [] when it is empty.
func List[T any](c echo.Context, list []T) error {
	if list == nil {
		list = []T{}
	}
	return c.JSON(http.StatusOK, list)
}

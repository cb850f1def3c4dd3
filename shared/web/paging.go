package web

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/list"
	"msatom/shared/problem"
)

// Sizes of the parts of a list.
const (
	pageSize    = 50
	maxPageSize = 1000
	maxRows     = 100 // on a page that a person looks at
)

// Paging is a part of a list on its way to a client. It comes newest first, or in another order by ?sort=; of customers whose
// names contain ?name=, if the list offers that. ?before= says below which id it begins, in another order ?after= behind
// which; ?limit= how long it is (50, at most 1000, on a page 100). The templates "filter", "sorted" and "paging" of package page
// show its form, its headings and its links.
type Paging struct {
	list.Part
	Offer  list.Offer
	First  bool   // it is the first part
	Home   string // address of the list, without a query
	Newest string // address of the first part
	Next   string // address of the next part, "" if there is none

	c echo.Context
}

// Paged reads the query. What it does not know is a problem.Error, 422.
func Paged(c echo.Context, mediaType string, offer list.Offer) (p Paging, err error) {
	p.Offer, p.Home, p.c = offer, c.Path(), c
	if offer.Customer {
		p.Name = Sought(c, "name")
	}
	p.Sort = c.QueryParam("sort")
	if sorts := offer.Sorts(); p.Sort != "" && !slices.Contains(sorts, p.Sort) {
		return p, problem.Invalid(problem.Field{Name: "sort", Detail: "must be one of: " + strings.Join(sorts, ", ")})
	}
	if p.Behind, err = Query(c, p.place(), 0, math.MaxInt64); err != nil {
		return p, err
	}
	limit, err := Query(c, "limit", pageSize, maxPageSize)
	if mediaType == HTML {
		limit = min(limit, maxRows)
	}
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

// Choice is an order of the list to choose from.
type Choice struct {
	Sort, Text string
	Chosen     bool
}

var sortTexts = map[string]string{"": "newest first", list.Oldest: "oldest first", list.Highest: "highest total first", list.Lowest: "lowest total first"}

// Choices are all orders in which the list can come.
func (p Paging) Choices() (all []Choice) {
	for _, sort := range append([]string{""}, p.Offer.Sorts()...) {
		all = append(all, Choice{sort, sortTexts[sort], sort == p.Sort})
	}
	return all
}

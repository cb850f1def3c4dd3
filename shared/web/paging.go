package web

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"msatom/shared/list"
	"msatom/shared/money"
	"msatom/shared/page"
	"msatom/shared/problem"
)

// This file reads from a URL which part of a list the client wants, and makes the links to the other parts.

// Sizes of a part, in records.
const (
	pageSize    = 50
	maxPageSize = 1000
	maxRows     = 100 // on an HTML page
)

// Paging is the part of a list that a request asks for, and the links to other parts. The query selects the part:
//
//	sort=    oldest, highest or lowest; newest first without it
//	name=    only records whose filter matches it, if the list has a filter
//	before=  begin below this id; with sort=oldest, after= this id; sorted by amount, after= this total and id: 63.00-12
//	limit=   number of records: 50 without it, at most 1000, at most 100 on a page
//
// The templates "filter", "sorted" and "paging" of package page show its form, column headings and links.
type Paging struct {
	list.Part
	Offer  list.Offer
	First  bool   // it is the first part
	Home   string // address of the list, without a query
	Newest string // address of the first part
	Next   string // address of the next part, or ""

	c echo.Context
}

// Paged reads the query. Errors: problem.Error 422 for invalid values.
func Paged(c echo.Context, mediaType string, offer list.Offer) (p Paging, err error) {
	p.Offer, p.Filter, p.Home, p.c = offer, offer.Filter, c.Path(), c
	if offer.Filter.Named != "" {
		p.Name = SearchText(c, "name")
	}
	p.Sort = c.QueryParam("sort")
	if sorts := offer.Sorts(); p.Sort != "" && !slices.Contains(sorts, p.Sort) {
		return p, problem.Invalid(problem.Field{Name: "sort", Detail: "must be one of: " + strings.Join(sorts, ", ")})
	}
	if p.Behind, err = p.behind(); err != nil {
		return p, err
	}
	limit, err := Query(c, "limit", pageSize, maxPageSize)
	if mediaType == HTML {
		limit = min(limit, maxRows)
	}
	p.Limit, p.First, p.Newest = int(limit), p.Behind == (list.Place{}), p.address(p.Sort, list.Place{})
	return p, err
}

// behind reads the place where the part begins.
func (p Paging) behind() (place list.Place, err error) {
	if !p.IsByAmount() {
		place.ID, err = Query(p.c, p.parameter(), 0, math.MaxInt64)
		return place, err
	}
	text := p.c.QueryParam(p.parameter())
	if text == "" {
		return place, nil
	}
	i := max(strings.LastIndexByte(text, '-'), 0)
	var totalErr, idErr error
	place.Total, totalErr = money.Parse(text[:i])
	place.ID, idErr = strconv.ParseInt(strings.TrimPrefix(text[i:], "-"), 10, 64)
	if totalErr != nil || idErr != nil || place.ID < 1 {
		return place, problem.Invalid(problem.Field{Name: p.parameter(), Detail: "must be a total and an id, for example 63.00-12"})
	}
	return place, nil
}

// parameter returns the name of the query parameter for the beginning of a part.
func (p Paging) parameter() string {
	if p.Sort == "" {
		return "before"
	}
	return "after"
}

// More sets Next, and a Link header for programs (RFC 8288), to the part after the place of the last record shown.
func (p *Paging) More(c echo.Context, last list.Place) {
	p.Next = p.address(p.Sort, last)
	c.Response().Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, p.Next))
}

// By returns how the list is sorted by a column with these two sort orders. The link of a column that does not sort the list yet
// leads to down.
func (p Paging) By(down, up string) page.Sorting {
	switch p.Sort {
	case down:
		return page.Sorting{Href: p.address(up, list.Place{}), Sorted: "descending"}
	case up:
		return page.Sorting{Href: p.address(down, list.Place{}), Sorted: "ascending"}
	}
	return page.Sorting{Href: p.address(down, list.Place{})}
}

// address returns the address of this list with the same filter, sorted by sort, beginning after a place.
func (p Paging) address(sort string, behind list.Place) string {
	q := url.Values{}
	for _, keep := range []string{"name", "limit"} {
		if v := p.c.QueryParam(keep); v != "" {
			q.Set(keep, v)
		}
	}
	if sort != "" {
		q.Set("sort", sort)
	}
	switch {
	case behind == (list.Place{}):
	case p.IsByAmount():
		q.Set(p.parameter(), fmt.Sprintf("%s-%d", behind.Total, behind.ID))
	default:
		q.Set(p.parameter(), fmt.Sprint(behind.ID))
	}
	if len(q) == 0 {
		return p.c.Path()
	}
	return p.c.Path() + "?" + q.Encode()
}

// Choice is a sort order that a person can choose.
type Choice struct {
	Sort, Text string
	Chosen     bool
}

var sortTexts = map[string]string{"": "newest first", list.Oldest: "oldest first", list.Highest: "highest total first", list.Lowest: "lowest total first"}

// Choices returns all sort orders of the list.
func (p Paging) Choices() (all []Choice) {
	for _, sort := range append([]string{""}, p.Offer.Sorts()...) {
		all = append(all, Choice{sort, sortTexts[sort], sort == p.Sort})
	}
	return all
}

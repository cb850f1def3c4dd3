// Package pollweb is what every consumer's pages have: the button that polls now, what the polls do, the parked entries, and the
// state of the consumer.
package pollweb

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"msatom/shared/poll"
	"msatom/shared/problem"
	"msatom/shared/web"
)

// View is what the template "polling" of package page shows.
type View struct {
	Service     string
	State       poll.State
	Done        string // what the poll that was asked for did
	Failed      bool   // it failed
	Parked      []poll.Parked
	ParkedTotal int64
	Now         time.Time
	From        string // "state" on the state page, where its buttons lead back to
}

// Handler serves the addresses below /service/.
type Handler struct {
	service string
	poller  *poll.Poller
}

// New adds GET /service/state, GET /service/overview, POST /service/poll, POST /service/parked and POST /service/reconcile to e.
func New(e *echo.Echo, service string, poller *poll.Poller) *Handler {
	h := &Handler{service, poller}
	web.Get(e, "/"+service+"/state", h.state)
	web.Get(e, "/"+service+"/overview", h.overview)
	e.POST("/"+service+"/reconcile", h.reconcile)
	e.POST("/"+service+"/poll", h.poll)
	e.POST("/"+service+"/parked", h.parked)
	return h
}

// View collects what a list page shows of the polling.
func (h *Handler) View(c echo.Context) (v View, err error) {
	v = View{Service: h.service, State: h.poller.State(), Now: time.Now()}
	switch n := func(name string) int { n, _ := strconv.Atoi(c.QueryParam(name)); return max(n, 0) }; c.QueryParam("poll") {
	case "done":
		v.Done = poll.Result{NotModified: c.QueryParam("new") == "no", Written: n("written"), Ignored: n("there"), Parked: n("parked"), More: c.QueryParam("more") != ""}.String()
	case "failed":
		v.Failed = true
	}
	v.Parked, v.ParkedTotal, err = h.poller.Parked(c.Request().Context())
	return v, err
}

// patience with a poll that was asked for: less than the front door has with its answer.
const patience = 8 * time.Second

// poll polls now. A browser is led back to the list, which says what the poll did; a program gets the result.
func (h *Handler) poll(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	html := mediaType == web.HTML
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	result, err := h.poller.Poll(ctx)
	if ctx.Err() != nil {
		result.More, err = true, nil
	}
	switch {
	case err != nil && html:
		return c.Redirect(http.StatusSeeOther, "/"+h.service+"/?poll=failed")
	case err != nil:
		return problem.New(http.StatusBadGateway, "The feed cannot be read: %v.", err)
	case html:
		return h.back(c, result)
	}
	return c.JSON(http.StatusOK, result)
}

func (h *Handler) back(c echo.Context, r poll.Result) error {
	q := url.Values{"poll": {"done"}, "written": {strconv.Itoa(r.Written)}, "there": {strconv.Itoa(r.Ignored)}, "parked": {strconv.Itoa(r.Parked)}}
	if r.NotModified {
		q.Set("new", "no")
	}
	if r.More {
		q.Set("more", "yes")
	}
	return c.Redirect(http.StatusSeeOther, "/"+h.service+"/?"+q.Encode())
}

// parked retries or skips a parked entry: a form with "id" and "do", which is "retry" or "skip".
func (h *Handler) parked(c echo.Context) error {
	id, err := strconv.ParseInt(c.FormValue("id"), 10, 64)
	if err != nil {
		return problem.Invalid(problem.Field{Name: "id", Detail: "must be the id of a parked entry"})
	}
	var result poll.Result
	switch c.FormValue("do") {
	case "retry":
		result, err = h.poller.Retry(c.Request().Context(), id)
	case "skip":
		err = h.poller.Skip(c.Request().Context(), id)
	default:
		err = problem.Invalid(problem.Field{Name: "do", Detail: "must be retry or skip"})
	}
	if err != nil {
		return err
	}
	if mediaType, err := web.Negotiate(c, web.HTML, web.JSON); err != nil || mediaType == web.HTML {
		if back := "/" + h.service + "/state"; c.FormValue("from") == "state" {
			return c.Redirect(http.StatusSeeOther, back)
		}
		return c.Redirect(http.StatusSeeOther, "/"+h.service+"/")
	}
	return c.JSON(http.StatusOK, result)
}

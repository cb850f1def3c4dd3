// What a person or a program can do: poll now, retry or skip a dead letter, compare the records with the log.

package consumerstatus

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"msatom/shared/deadletter"
	"msatom/shared/follow"
	"msatom/shared/problem"
	"msatom/shared/web"
)

// Routes adds GET /service/state, GET /service/overview, POST /service/poll, POST /service/dead-letters and POST
// /service/reconcile to e.
func (c *Consumer) Routes(e *echo.Echo) {
	web.Get(e, "/"+c.service+"/state", c.getState)
	web.Get(e, "/"+c.service+"/overview", c.getOverview)
	e.POST("/"+c.service+"/poll", c.postPoll)
	e.POST("/"+c.service+"/dead-letters", c.postDeadLetter)
	e.POST("/"+c.service+"/reconcile", c.postReconcile)
}

// View is what the templates "polling" and "dead-letters" show.
type View struct {
	Service  string
	Instance string
	Subject  string // what an entry is about: the feed's name
	State    follow.State
	Done     string // what the poll that was just asked for did
	Failed   bool   // it failed
	Letters  []deadletter.Letter
	Total    int64  // dead letters, of which at most 100 are in Letters
	From     string // "state" on the state page, to which its buttons lead back
}

// failed stands in the address of a list page for the result of a poll that failed. The page names the poll's result by its address,
// because another instance may answer.
const failed = "failed"

// View returns what a list page shows of the polls and the dead letters.
func (c *Consumer) View(ec echo.Context) (v View, err error) {
	v = View{Service: c.service, Instance: c.follower.Config().Instance, Subject: c.follower.Config().Feed, State: c.follower.State()}
	var result follow.Result
	switch polled := ec.QueryParam("polled"); {
	case polled == failed:
		v.Failed = true
	case json.Unmarshal([]byte(polled), &result) == nil:
		v.Done = result.String()
	}
	v.Letters, v.Total, err = c.letters.List(ec.Request().Context())
	return v, err
}

// patience is how long POST /poll waits for the poll. It is shorter than the reverse proxy waits for a response.
const patience = 8 * time.Second

// postPoll polls now. A browser is led back to the list, which says what the poll did; a program gets the result.
func (c *Consumer) postPoll(ec echo.Context) error {
	mediaType, err := web.Negotiate(ec, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ec.Request().Context(), patience)
	defer cancel()
	result, err := c.follower.Poll(ctx)
	if ctx.Err() != nil {
		result.More, err = true, nil
	}
	if mediaType == web.HTML {
		polled := []byte(failed)
		if err == nil {
			if polled, err = json.Marshal(result); err != nil {
				return err
			}
		}
		return ec.Redirect(http.StatusSeeOther, "/"+c.service+"/?polled="+url.QueryEscape(string(polled)))
	}
	if err != nil {
		return problem.New(http.StatusBadGateway, "The feed cannot be read: %v.", err)
	}
	return ec.JSON(http.StatusOK, result)
}

// postDeadLetter retries or skips a dead letter: a form with "id", and "do", which is "retry" or "skip".
func (c *Consumer) postDeadLetter(ec echo.Context) error {
	id, err := strconv.ParseInt(ec.FormValue("id"), 10, 64)
	if err != nil {
		return problem.Invalid(problem.Field{Name: "id", Detail: "must be the id of a dead letter"})
	}
	var result follow.Result
	switch ec.FormValue("do") {
	case "retry":
		result, err = c.follower.Retry(ec.Request().Context(), id)
	case "skip":
		err = c.letters.Skip(ec.Request().Context(), id)
	default:
		err = problem.Invalid(problem.Field{Name: "do", Detail: "must be retry or skip"})
	}
	if err != nil {
		return err
	}
	if mediaType, err := web.Negotiate(ec, web.HTML, web.JSON); err != nil || mediaType == web.HTML {
		back := "/" + c.service + "/"
		if ec.FormValue("from") == "state" {
			back += "state"
		}
		return ec.Redirect(http.StatusSeeOther, back)
	}
	return ec.JSON(http.StatusOK, result)
}

// postReconcile starts a comparison. A browser is led to the state page, which shows its progress; a program gets the state, or
// 409 if a comparison is running.
func (c *Consumer) postReconcile(ec echo.Context) error {
	mediaType, err := web.Negotiate(ec, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	isPage := mediaType == web.HTML
	err = c.reconciler.Start(ec.Request().Context())
	if p := problem.As(err); err != nil && !(isPage && p != nil && p.Status == http.StatusConflict) {
		return err
	}
	if isPage {
		return ec.Redirect(http.StatusSeeOther, "/"+c.service+"/state#reconciliation")
	}
	s, err := c.read(ec.Request().Context())
	if err != nil {
		return err
	}
	return ec.JSON(http.StatusAccepted, s)
}

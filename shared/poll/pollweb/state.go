// The state of a consumer as a page and JSON, and the button that compares its records with the log.

package pollweb

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"msatom/shared/poll"
	"msatom/shared/problem"
	"msatom/shared/web"
)

// State is the JSON of /service/state, and what its page shows.
type State struct {
	poll.Status
	Reconciliation *poll.Reconciliation `json:"reconciliation"` // null before the first
	View           View                 `json:"-"`              // for the template "parked"
}

func (h *Handler) state(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	s, err := h.read(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if mediaType == web.JSON {
		return c.JSON(http.StatusOK, s)
	}
	if s.View.Parked, s.View.ParkedTotal, err = h.poller.Parked(c.Request().Context()); err != nil {
		return err
	}
	return c.Render(http.StatusOK, "state", web.Page{Title: "State of " + h.service, Data: s})
}

// card is the consumer's part of the front page.
type card struct {
	poll.Status
	News int64 // entries that were published since this instance polled last
}

// overview answers with the card. The publisher, whose page it is part of, says by ?head= where the feed ends at this moment: so both
// show one number, also between two polls.
func (h *Handler) overview(c echo.Context) error {
	head, err := web.Query(c, "head", 0, math.MaxInt64)
	if err != nil {
		return err
	}
	s, err := h.poller.Status(c.Request().Context())
	if err != nil {
		return err
	}
	for i := range s.Peers {
		if p := &s.Peers[i]; p.Instance == s.Instance { // what it says itself is newer
			p.LastPoll, p.Outcome = &s.Polls.LastPoll, s.Polls.Outcome()
		}
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(http.StatusOK, "card", web.Page{Data: cardOf(s, head)})
}

func cardOf(s poll.Status, head int64) card {
	c := card{Status: s}
	if head > s.Head {
		c.Head = head
		if s.Polls.Error == "" && s.Behind == 0 && s.Parked == 0 && !s.Polls.LastPoll.IsZero() { // else there is more to say
			c.News = head - s.Head
		}
	}
	return c
}

func (h *Handler) read(ctx context.Context) (s State, err error) {
	s.View = View{Service: h.service, Now: time.Now(), From: "state"}
	if s.Status, err = h.poller.Status(ctx); err != nil {
		return s, err
	}
	s.Reconciliation, err = h.poller.Reconciliation(ctx)
	return s, err
}

// reconcile begins a comparison. A browser is led to the state page, which shows how it goes; a program gets the state, and
// 409 where one goes on already.
func (h *Handler) reconcile(c echo.Context) error {
	mediaType, err := web.Negotiate(c, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	html := mediaType == web.HTML
	err = h.poller.Reconcile(c.Request().Context())
	if p := problem.As(err); err != nil && !(html && p != nil && p.Status == http.StatusConflict) {
		return err
	}
	if html {
		return c.Redirect(http.StatusSeeOther, "/"+h.service+"/state#reconciliation")
	}
	s, err := h.read(c.Request().Context())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, s)
}

// The state of a consumer as a page, as JSON, and as a card on the front page.

package consumerstatus

import (
	"context"
	"math"
	"net/http"

	"github.com/labstack/echo/v4"

	"msatom/shared/reconcile"
	"msatom/shared/web"
)

// State is the JSON of /service/state, and what its page shows.
type State struct {
	Status
	Reconciliation *reconcile.Reconciliation `json:"reconciliation"` // null before the first
	View           View                      `json:"-"`              // for the template "dead-letters"
}

func (c *Consumer) getState(ec echo.Context) error {
	mediaType, err := web.Negotiate(ec, web.HTML, web.JSON)
	if err != nil {
		return err
	}
	s, err := c.read(ec.Request().Context())
	if err != nil {
		return err
	}
	ec.Response().Header().Set("Cache-Control", "no-store")
	if mediaType == web.JSON {
		return ec.JSON(http.StatusOK, s)
	}
	if s.View, err = c.View(ec); err != nil {
		return err
	}
	s.View.From = "state"
	return ec.Render(http.StatusOK, "state", web.Page{Title: "State of " + c.service, Data: s})
}

func (c *Consumer) read(ctx context.Context) (s State, err error) {
	if s.Status, err = c.Status(ctx); err == nil {
		s.Reconciliation, err = c.reconciler.Latest(ctx)
	}
	return s, err
}

// card is the consumer's part of the front page.
type card struct {
	Status
	News int64 // entries published since this instance last polled
}

// getOverview answers with the card. The publisher, whose page it is part of, says by ?head= where the feed ends at this moment,
// so both show the same number between two polls.
func (c *Consumer) getOverview(ec echo.Context) error {
	head, err := web.Query(ec, "head", 0, math.MaxInt64)
	if err != nil {
		return err
	}
	s, err := c.Status(ec.Request().Context())
	if err != nil {
		return err
	}
	for i := range s.Instances {
		if one := &s.Instances[i]; one.Instance == s.Instance { // what it knows of itself is newer than its heartbeat
			one.LastPoll, one.Outcome = &s.Polls.LastPoll, s.Polls.Outcome()
		}
	}
	ec.Response().Header().Set("Cache-Control", "no-store")
	return ec.Render(http.StatusOK, "card", web.Page{Data: cardOf(s, head)})
}

func cardOf(s Status, head int64) card {
	c := card{Status: s}
	if head > s.Head {
		c.Head = head
		if s.Polls.Error == "" && s.Lag == 0 && s.DeadLetters == 0 && !s.Polls.LastPoll.IsZero() { // else there is more to say
			c.News = head - s.Head
		}
	}
	return c
}

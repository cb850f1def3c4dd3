package consumerstatus

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"msatom/shared/deadletter"
	"msatom/shared/follow"
	"msatom/shared/page"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/web"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The state page of a consumer whose feed cannot be reached and which has a dead letter. Not parallel: its metrics belong to the process.
func TestState(t *testing.T) {
	const address = "http://127.0.0.1:1/order/feed"
	c := consume(t, pgtest.URL(t), "thing-1", address)
	e := web.New(web.Options{Service: "things", Instance: "thing-1", Pages: page.New("things", "thing-1", Pages), Ready: c.db.Ready, Detail: c.Detail})
	c.Routes(e)
	server := httptest.NewServer(e)
	defer server.Close()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path, accept, contentType, body string, status int) (string, http.Header) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		r.Header.Set("Content-Type", contentType)
		a, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode != status {
			t.Fatalf("%s %s: %d %v, want %d: %s", method, path, a.StatusCode, err, status, b)
		}
		return string(b), a.Header
	}
	if _, err := c.follower.Poll(t.Context()); err == nil {
		t.Fatal("polled a feed that is not there")
	}
	letter := deadletter.Letter{Feed: "thing", EntryID: "x", Log: "e", Position: 7, Subject: 3, Error: "not <b>today</b>", NextTry: time.Now().Add(time.Hour)}
	if err := c.db.Create(&letter).Error; err != nil {
		t.Fatal(err)
	}
	var s State
	body, _ := ask("GET", "/things/state", web.JSON, "", "", 200)
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.DeadLetters != 1 || s.Polls.Error == "" || s.Instance != "thing-1" || s.Address != address {
		t.Errorf("%v in %s", err, body)
	}
	page, _ := ask("GET", "/things/state", web.HTML, "", "", 200)
	for _, want := range []string{"have failed since", address, "connection refused", "not &lt;b&gt;today&lt;/b&gt;", `value="retry"`, `value="skip"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q:\n%s", want, page)
		}
	}
	if body, _ := ask("GET", "/readyz", web.JSON, "", "", 200); !strings.Contains(body, `"deadLetters":1`) || !strings.Contains(body, `"status":"ready"`) {
		t.Errorf("readyz: %s", body)
	}
	if body, _ := ask("GET", "/metrics", "*/*", "", "", 200); !strings.Contains(body, `msatom_dead_letters{feed="thing"} 1`) {
		t.Error("the metrics do not count the dead letter")
	}
	const form = "application/x-www-form-urlencoded"
	if _, h := ask("POST", "/things/poll", web.HTML, form, "", 303); h.Get("Location") != "/things/?polled=failed" {
		t.Errorf("after a poll that failed: %s", h.Get("Location"))
	}
	if _, h := ask("POST", "/things/dead-letters", web.HTML, form, "id=1&do=skip&from=state", 303); h.Get("Location") != "/things/state" {
		t.Errorf("after Skip on the state page: %s", h.Get("Location"))
	}
	if body, _ := ask("POST", "/things/reconcile", web.JSON, "", "", 409); !strings.Contains(body, "There is nothing to compare") {
		t.Errorf("nothing to compare: %s", body)
	}
	if _, h := ask("POST", "/things/reconcile", web.HTML, form, "", 303); h.Get("Location") != "/things/state#reconciliation" {
		t.Errorf("after the button: %s", h.Get("Location"))
	}
	if body, _ := ask("GET", "/things/state", web.JSON, "", "", 200); !strings.Contains(body, `"deadLetters":0`) || !strings.Contains(body, `"reconciliation":null`) {
		t.Errorf("afterwards: %s", body)
	}
}

// The card on the front page counts entries up to the position that the publisher names.
func TestOverview(t *testing.T) {
	shown := func(c card) string {
		b, err := page.New("things", "thing-1", Pages).Render("card", "", c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	polled := Status{Cursor: follow.Cursor{Position: 5}, Head: 5, Why: "All is well.", Polls: follow.State{LastPoll: time.Now(), Next: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}}
	behind := polled
	behind.Position, behind.Lag, behind.Why = 3, 2, "Two are to come."
	failing := polled
	failing.Polls.Error, failing.Why = "refused", "It is refused."
	for _, c := range []struct {
		status Status
		head   int64
		want   []string
	}{
		{polled, 0, []string{"<b>5</b> of 5 entries read", "All is well."}},
		{polled, 4, []string{"<b>5</b> of 5 entries read", "All is well."}},
		{polled, 6, []string{"<b>5</b> of 6 entries read", "1 entry was published after the last poll", "Next poll:", "10:00:00 UTC"}},
		{behind, 9, []string{"<b>3</b> of 9 entries read", "Two are to come."}},
		{failing, 9, []string{"<b>5</b> of 9 entries read", "It is refused."}},
	} {
		for _, want := range c.want {
			if got := shown(cardOf(c.status, c.head)); !strings.Contains(got, want) {
				t.Errorf("at %d: no %q in\n%s", c.head, want, got)
			}
		}
	}
}

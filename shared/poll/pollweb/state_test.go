package pollweb

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gorm.io/gorm"

	"msatom/shared/page"
	"msatom/shared/poll"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/web"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The state page of a consumer whose feed cannot be reached, and which has a parked entry.
func TestState(t *testing.T) {
	db := pgtest.Open(t, poll.Migration())
	source := poll.Source{FeedURL: "http://127.0.0.1:1/order/feed", Schedule: "@every 1h"}
	poller, err := poll.New(db.DB, poll.Config{Source: source, Feed: "order", Record: "thing", Instance: "thing-1", Records: []poll.Table{{Name: "thing", Subject: "id"}}},
		func(context.Context, *gorm.DB, []poll.Entry) ([]int64, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	e := web.New(web.Options{Service: "thing", Instance: "thing-1", Pages: page.New("thing", "thing-1", fstest.MapFS{}), Ready: db.Ready, Detail: poller.Detail})
	New(e, "thing", poller)
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
	if _, err := poller.Poll(context.Background()); err == nil {
		t.Fatal("polled a feed that is not there")
	}
	parked := poll.Parked{Feed: "order", EntryID: "x", Epoch: "e", Position: 7, Subject: 3, Error: "not <b>today</b>", NextTry: time.Now().Add(time.Hour)}
	if err := db.Create(&parked).Error; err != nil {
		t.Fatal(err)
	}
	var s State
	body, _ := ask("GET", "/thing/state", web.JSON, "", "", 200)
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Parked != 1 || s.Polls.Error == "" || s.Instance != "thing-1" || s.Address != source.FeedURL {
		t.Errorf("%v in %s", err, body)
	}
	page, _ := ask("GET", "/thing/state", web.HTML, "", "", 200)
	for _, want := range []string{"cannot be read since", source.FeedURL, "connection refused", "not &lt;b&gt;today&lt;/b&gt;", `value="retry"`, `value="skip"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	if body, _ := ask("GET", "/readyz", web.JSON, "", "", 200); !strings.Contains(body, `"parked":1`) || !strings.Contains(body, `"status":"ready"`) {
		t.Errorf("readyz: %s", body)
	}
	if body, _ := ask("GET", "/metrics", "*/*", "", "", 200); !strings.Contains(body, `msatom_poll_parked{feed="order"} 1`) {
		t.Error("the metrics do not count the parked entry")
	}
	const form = "application/x-www-form-urlencoded"
	if _, h := ask("POST", "/thing/parked", web.HTML, form, "id=1&do=skip&from=state", 303); h.Get("Location") != "/thing/state" {
		t.Errorf("after Skip on the state page: %s", h.Get("Location"))
	}
	if body, _ := ask("POST", "/thing/reconcile", web.JSON, "", "", 409); !strings.Contains(body, "Nothing of a log has been processed yet") {
		t.Errorf("nothing to compare: %s", body)
	}
	if _, h := ask("POST", "/thing/reconcile", web.HTML, form, "", 303); h.Get("Location") != "/thing/state#reconciliation" {
		t.Errorf("after the button: %s", h.Get("Location"))
	}
	if body, _ := ask("GET", "/thing/state", web.JSON, "", "", 200); !strings.Contains(body, `"parked":0`) || !strings.Contains(body, `"reconciliation":null`) {
		t.Errorf("afterwards: %s", body)
	}
}

// The consumer's part of the front page counts by where the publisher says that the feed ends.
func TestOverview(t *testing.T) {
	shown := func(c card) string {
		b, err := page.New("thing", "thing-1", fstest.MapFS{}).Render("card", "", c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	polled := poll.Status{Position: 5, Head: 5, Why: "All is well.", Polls: poll.State{LastPoll: time.Now(), Next: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}}
	behind := polled
	behind.Position, behind.Behind, behind.Why = 3, 2, "Two are to come."
	failing := polled
	failing.Polls.Error, failing.Why = "refused", "It is refused."
	for _, c := range []struct {
		status poll.Status
		head   int64
		want   []string
	}{
		{polled, 0, []string{"<b>5</b> of 5 entries read", "All is well."}},
		{polled, 4, []string{"<b>5</b> of 5 entries read", "All is well."}},
		{polled, 6, []string{"<b>5</b> of 6 entries read", "1 was published since its last poll", "The next begins at", "10:00:00 UTC"}},
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

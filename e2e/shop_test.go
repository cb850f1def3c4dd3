// Package e2e tests the whole system through its front door, without and with Docker, with a browser and with feed readers.
//
// This file is the client that most tests use.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// shop is a client of a running system.
type shop struct {
	t    testing.TB
	base string
	http http.Client
}

func visit(t testing.TB, base string) *shop {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{t: t, base: base, http: http.Client{
		Timeout: time.Minute, Jar: jar,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request. header alternates names and values.
func (s *shop) ask(method, path, body string, header ...string) (answer, error) {
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, b}, err
}

// must sends a request and fails the test unless the response has that status. On a slow machine a request may take longer than a service or
// Apache allows; it is then repeated for up to a minute.
func (s *shop) must(status int, method, path, body string, header ...string) answer {
	s.t.Helper()
	a, err := s.ask(method, path, body, header...)
	for end := time.Now().Add(time.Minute); err == nil && a.status != status && tooSlow(a.status) && time.Now().Before(end); {
		time.Sleep(time.Second)
		a, err = s.ask(method, path, body, header...)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if a.status != status {
		s.t.Fatalf("%s %s: %d, want %d\n%.500s", method, path, a.status, status, a.body)
	}
	return a
}

func tooSlow(status int) bool { return status >= 502 && status <= 504 }

var (
	asJSON  = []string{"Accept", "application/json"}
	asHTML  = []string{"Accept", "text/html"}
	jsonIn  = []string{"Content-Type", "application/json", "Accept", "application/json"}
	formIn  = []string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html"}
	asAtom  = []string{"Accept", "application/atom+xml"}
	address = map[string]string{"street": "Krischerstr. 100", "zip": "40789", "city": "Monheim am Rhein"}
)

// record has the fields that orders, invoices and shipments share.
type record struct {
	ID       int64
	Status   string
	Instance string
	Customer struct{ Name string }
	Order    []line `json:"orderLine"`
	Invoice  []line `json:"invoiceLine"`
	Shipment []line `json:"shipmentLine"`
}

type line struct {
	Count int
	Item  struct {
		ItemID int64
		Price  json.Number
	}
}

// placeJSON places an order of count iPods and an Apple TV. key is the Idempotency-Key, so the call can be repeated.
func (s *shop) placeJSON(key string, count int) (int64, error) {
	body, err := json.Marshal(map[string]any{"customer": 1, "shippingAddress": address, "billingAddress": address,
		"orderLine": []any{map[string]any{"count": count, "item": 1}, map[string]any{"count": 1, "item": map[string]int{"itemId": 4}}}})
	if err != nil {
		return 0, err
	}
	a, err := s.ask("POST", "/order/", string(body), append(jsonIn, "Idempotency-Key", key)...)
	if err != nil {
		return 0, err
	}
	var o record
	if a.status != http.StatusCreated {
		return 0, fmt.Errorf("placing: %d %.200s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &o); err != nil || o.ID == 0 {
		return 0, fmt.Errorf("placing: no id in %.200s (%w)", a.body, err)
	}
	return o.ID, nil
}

// mustPlace is placeJSON, repeated while it fails.
func (s *shop) mustPlace(key string, count int) (id int64) {
	s.t.Helper()
	eventually(s.t, "an order is placed: "+key, patience, func() bool {
		var err error
		if id, err = s.placeJSON(key, count); err != nil {
			s.t.Log(err)
		}
		return err == nil
	})
	return id
}

// placeForm places an order with the form, submitted twice as by an impatient user, and returns its id.
func (s *shop) placeForm(count string) string {
	s.t.Helper()
	page := s.must(200, "GET", "/order/form.html", "", asHTML...)
	_, rest, ok := bytes.Cut(page.body, []byte(`name="request" value="`))
	if !ok {
		s.t.Fatal("the form has no request token")
	}
	token, _, _ := bytes.Cut(rest, []byte(`"`))
	form := url.Values{"request": {string(token)}, "customer": {"2"},
		"shippingAddress.street": {"Market Street 1"}, "shippingAddress.zip": {"94103"}, "shippingAddress.city": {"San Francisco"},
		"billingAddress.street": {"Market Street 2"}, "billingAddress.zip": {"94103"}, "billingAddress.city": {"San Francisco"},
		"orderLine[0].count": {count}, "orderLine[0].item": {"2"}}.Encode()
	first := s.must(303, "POST", "/order/", form, formIn...).header.Get("Location")
	second := s.must(303, "POST", "/order/", form, formIn...).header.Get("Location")
	if first != second {
		s.t.Errorf("a form submitted twice placed two orders: %s and %s", first, second)
	}
	return strings.TrimPrefix(first, "/order/")
}

// settled waits until all instances of order serve the same recent document, and returns its ETag.
func (s *shop) settled() (etag string) {
	s.t.Helper()
	same := 0
	eventually(s.t, "all instances of order serve the same document", patience, func() bool {
		now := s.must(200, "GET", "/order/feed", "", asAtom...).header.Get("ETag")
		if same++; now != etag {
			etag, same = now, 1
		}
		return same > 12 // polls for more than a second, the longest that an instance is behind
	})
	return etag
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func (s *shop) read(path string) (r record) {
	s.t.Helper()
	if err := json.Unmarshal(s.must(200, "GET", path, "", asJSON...).body, &r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// exists reports whether a GET of path returns 200.
func (s *shop) exists(path string) bool {
	a, err := s.ask("GET", path, "", asJSON...)
	return err == nil && a.status == 200
}

// follow reads the feed from the recent document to the first one, following links only, and returns the ids of its entries without
// duplicates, newest first.
func (s *shop) follow(ctx context.Context) (ids []string) {
	s.t.Helper()
	for _, e := range s.entries(ctx) {
		ids = append(ids, e.ID)
	}
	return ids
}

// entry is an entry of the JSON feed.
type entry struct {
	ID    string
	Event struct{ Kind string } `json:"_msatom"`
}

// entries returns the entries of the feed, like follow.
func (s *shop) entries(ctx context.Context) (all []entry) {
	s.t.Helper()
	seen := map[string]bool{}
	for next := s.base + "/order/feed"; next != "" && ctx.Err() == nil; {
		if !strings.HasPrefix(next, s.base+"/") {
			s.t.Fatalf("a link leads to %s, outside this system", next)
		}
		var doc struct {
			Items []entry
			Log   struct{ Links map[string]string } `json:"_msatom"`
		}
		if err := json.Unmarshal(s.must(200, "GET", strings.TrimPrefix(next, s.base), "", asJSON...).body, &doc); err != nil {
			s.t.Fatal(err)
		}
		for _, e := range doc.Items {
			if !seen[e.ID] {
				all = append(all, e)
			}
			seen[e.ID] = true
		}
		next = doc.Log.Links["prev-archive"]
	}
	return all
}

// A polite and careful HTTP client: it sends validators back, honours Retry-After, has time-outs and size limits, and
// follows links and redirects only to the host that it was told to ask.

package poll

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// limits of one answer.
const (
	maxBytes = 32 << 20
	maxTime  = 30 * time.Second
	maxPause = time.Hour
)

const (
	acceptAtom = "application/atom+xml"
	acceptAny  = "application/json, application/atom+xml;q=0.9"
	acceptJSON = "application/json"
)

type client struct {
	http     http.Client
	host     string // where everything must be
	agent    string
	limit    int64         // of bytes in one answer
	patience time.Duration // with one answer
}

// validators are what a document was like, and where it is in JSON; the zero value knows nothing.
type validators struct{ etag, modified, json string }

// StatusError is an answer that is no document.
type StatusError struct {
	URL        string
	Status     int
	RetryAfter time.Duration // 0 if the server named none
}

// Error says who answered what.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

func newClient(feedURL, agent string) (*client, error) {
	u, err := url.Parse(feedURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("FEED_URL %q is not an http address", feedURL)
	}
	c := &client{host: u.Host, agent: agent, limit: maxBytes, patience: maxTime}
	c.http = http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("more than 3 redirects")
		}
		return c.here(r.URL)
	}}
	return c, nil
}

// here refuses an address on another host than the feed's.
func (c *client) here(u *url.URL) error {
	if u.Host != c.host || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%s leads away from %s: refused", u, c.host)
	}
	return nil
}

// recent polls the recent document; nil says that it is not modified. It is asked for as Atom, and where that offers the same
// in JSON, from then on as JSON. With anew, no answer from a memory on the way counts, not even the publisher's.
func (c *client) recent(ctx context.Context, address string, had validators, anew bool) (*document, error) {
	d, _, err := c.latest(ctx, request{address: address, had: had, anew: anew})
	return d, err
}

// news waits until the recent document is another one than it was, at most for the time given; nil says that this is up. It reports
// supported false when the other side does not hold requests.
func (c *client) news(ctx context.Context, address string, had validators, wait time.Duration) (d *document, supported bool, err error) {
	return c.latest(ctx, request{address: address, had: had, wait: wait})
}

func (c *client) latest(ctx context.Context, r request) (d *document, held bool, err error) {
	d, held, err = c.modified(ctx, r)
	var status *StatusError
	if r.had.json != "" && errors.As(err, &status) && status.Status < 500 {
		r.had = validators{} // it may be elsewhere now, or not offered any more
		d, held, err = c.modified(ctx, r)
	}
	if err == nil && d != nil && d.json != "" && !d.positioned {
		r.had = validators{json: d.json}
		d, _, err = c.modified(ctx, r)
	}
	return d, held, err
}

// modified asks once for the recent document, if that is another one than the reader had. It reports held when the other side held the
// request, or would have.
func (c *client) modified(ctx context.Context, r request) (d *document, held bool, err error) {
	r.accept = acceptAtom
	if r.had.json != "" {
		r.address, r.accept, r.delta = r.had.json, acceptJSON, r.had.etag != ""
	}
	err = c.do(ctx, r, func(res *http.Response, body io.Reader) (err error) {
		held = res.Header.Get("Preference-Applied") != ""
		if res.StatusCode == http.StatusNotModified {
			return nil
		}
		if d, err = parse(res, body); err == nil {
			d.etag, d.modified, d.json = res.Header.Get("ETag"), res.Header.Get("Last-Modified"), cmp.Or(d.json, r.had.json)
		}
		return err
	})
	return d, held, err
}

// get reads a document, in JSON if it can be had.
func (c *client) get(ctx context.Context, address string) (*document, error) {
	var d *document
	err := c.do(ctx, request{address: address, accept: acceptAny}, func(res *http.Response, body io.Reader) (err error) {
		d, err = parse(res, body)
		return err
	})
	return d, err
}

// parse reads a document of either kind.
func parse(res *http.Response, body io.Reader) (*document, error) {
	if t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); t == "application/json" || t == "application/feed+json" {
		return parseJSON(body, res.Request.URL)
	}
	return parseAtom(body, res.Request.URL)
}

// content reads the record that an entry refers to.
func (c *client) content(ctx context.Context, address string) (json.RawMessage, error) {
	var content json.RawMessage
	err := c.do(ctx, request{address: address, accept: acceptJSON}, func(_ *http.Response, body io.Reader) error {
		b, err := io.ReadAll(body)
		if err == nil && !json.Valid(b) {
			err = &StatusError{URL: address, Status: http.StatusUnsupportedMediaType}
		}
		content = b
		return err
	})
	return content, err
}

// request is what varies from one to another.
type request struct {
	address string
	accept  string
	had     validators
	anew    bool
	delta   bool          // what is new since then will do (RFC 3229)
	wait    time.Duration // how long the answer may be held; 0 for not at all
}

func (c *client) do(ctx context.Context, q request, read func(*http.Response, io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience+q.wait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.address, nil)
	if err != nil {
		return err
	}
	if err := c.here(r.URL); err != nil {
		return err
	}
	r.Header.Set("Accept", q.accept)
	r.Header.Set("User-Agent", c.agent)
	if q.had.etag != "" {
		r.Header.Set("If-None-Match", q.had.etag)
	}
	if q.had.modified != "" {
		r.Header.Set("If-Modified-Since", q.had.modified)
	}
	if q.delta {
		r.Header.Set("A-IM", "feed")
	}
	if q.anew {
		r.Header.Set("Cache-Control", "no-cache")
	}
	if q.wait > 0 {
		r.Header.Set("Prefer", "wait="+strconv.Itoa(int(q.wait/time.Second)))
	}
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && !(q.delta && res.StatusCode == http.StatusIMUsed) && (res.StatusCode != http.StatusNotModified || q.had.etag+q.had.modified == "") {
		return &StatusError{URL: q.address, Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	body := &io.LimitedReader{R: res.Body, N: c.limit + 1}
	err = read(res, body)
	if body.N == 0 {
		return fmt.Errorf("%s is longer than %d MiB", q.address, c.limit>>20)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", q.address, err)
	}
	return nil
}

// retryAfter reads the header in both its forms, RFC 9110 section 10.2.3.
func retryAfter(s string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.Atoi(s); err == nil {
		d = time.Duration(min(max(seconds, 0), int(maxPause/time.Second))) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxPause)
}

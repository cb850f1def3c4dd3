// A polite and careful HTTP client: it sends validators back, honours Retry-After, waits for nothing without end, reads
// nothing without a limit, and follows links and redirects only to the host that it was told to ask.
package poll

import (
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
	http  http.Client
	host  string // where everything must be
	agent string
	limit int64 // of bytes in one answer
}

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
	c := &client{host: u.Host, agent: agent, limit: maxBytes}
	c.http = http.Client{Timeout: maxTime, CheckRedirect: func(r *http.Request, via []*http.Request) error {
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

// recent polls the recent document as Atom; nil says that it is not modified. Where it is offered in JSON, that is read.
func (c *client) recent(ctx context.Context, address, etag, modified string) (*document, error) {
	var d *document
	err := c.do(ctx, address, acceptAtom, etag, modified, func(r *http.Response, body io.Reader) (err error) {
		if r.StatusCode == http.StatusNotModified {
			return nil
		}
		d, err = parseAtom(body, r.Request.URL)
		if err == nil {
			d.etag, d.modified = r.Header.Get("ETag"), r.Header.Get("Last-Modified")
		}
		return err
	})
	if err != nil || d == nil || d.json == "" {
		return d, err
	}
	etag, modified = d.etag, d.modified
	if d, err = c.get(ctx, d.json); err == nil {
		d.etag, d.modified = etag, modified
	}
	return d, err
}

// get reads a document, in JSON if it can be had.
func (c *client) get(ctx context.Context, address string) (*document, error) {
	var d *document
	err := c.do(ctx, address, acceptAny, "", "", func(r *http.Response, body io.Reader) (err error) {
		parse := parseAtom
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "application/json" || t == "application/feed+json" {
			parse = parseJSON
		}
		d, err = parse(body, r.Request.URL)
		return err
	})
	return d, err
}

// content reads the record that an entry refers to.
func (c *client) content(ctx context.Context, address string) (json.RawMessage, error) {
	var content json.RawMessage
	err := c.do(ctx, address, acceptJSON, "", "", func(_ *http.Response, body io.Reader) error {
		b, err := io.ReadAll(body)
		if err == nil && !json.Valid(b) {
			err = &StatusError{URL: address, Status: http.StatusUnsupportedMediaType}
		}
		content = b
		return err
	})
	return content, err
}

func (c *client) do(ctx context.Context, address, accept, etag, modified string, read func(*http.Response, io.Reader) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if err := c.here(r.URL); err != nil {
		return err
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("User-Agent", c.agent)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	if modified != "" {
		r.Header.Set("If-Modified-Since", modified)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && (res.StatusCode != http.StatusNotModified || etag+modified == "") {
		return &StatusError{URL: address, Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	body := &io.LimitedReader{R: res.Body, N: c.limit + 1}
	err = read(res, body)
	if body.N == 0 {
		return fmt.Errorf("%s is longer than %d MiB", address, c.limit>>20)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", address, err)
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

// A polite and careful HTTP client: it sends validators back, honours Retry-After, has timeouts and size limits, and follows
// links and redirects only to the host that it was told to ask.

package follow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of one response.
const (
	maxBytes      = 32 << 20 // unless Config.MaxBytes says less
	maxTime       = 30 * time.Second
	maxRetryAfter = time.Hour
)

const (
	acceptAtom = "application/atom+xml"
	acceptJSON = "application/json"
)

type client struct {
	http    http.Client
	host    string        // the only one that is asked
	login   string        // user:password, or ""
	accept  string        // media type of documents
	agent   string        // User-Agent
	limit   int64         // bytes of one response
	timeout time.Duration // of one response
}

// validators identify a version of a document (RFC 9110 section 8.8). The zero value knows none.
type validators struct{ etag, lastModified string }

// StatusError is a response that is not a document.
type StatusError struct {
	URL        string
	Status     int
	RetryAfter time.Duration // 0 if the server named none
}

// Error says which address answered what.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

func newClient(feedURL, login, accept, agent string, limit int64) (*client, error) {
	u, err := url.Parse(feedURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return nil, errors.New("is not an http address")
	case u.User != nil:
		return nil, errors.New("must not contain a user or password: put them into a file")
	case login != "" && !strings.Contains(login, ":"):
		return nil, errors.New("the login for it is not user:password")
	}
	c := &client{host: u.Host, login: login, accept: accept, agent: agent, limit: cmp.Or(limit, maxBytes), timeout: maxTime}
	c.http = http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("more than 3 redirects")
		}
		return c.checkHost(r.URL)
	}}
	return c, nil
}

// checkHost refuses an address on another host than the feed's.
func (c *client) checkHost(u *url.URL) error {
	if u.Host != c.host || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%s leads away from %s: refused", u, c.host)
	}
	return nil
}

// request is a GET.
type request struct {
	address    string
	accept     string        // "": documents
	known      validators    // of the document that the caller has; makes the request conditional
	revalidate bool          // no cache on the way may answer
	wait       time.Duration // how long the server may hold the request until there is news; then only the new entries will do
}

// document fetches a document, or nil if it is the one that the caller knows. held reports whether the server honours
// request.wait.
func (c *client) document(ctx context.Context, q request) (doc *Document, held bool, err error) {
	res, body, err := c.get(ctx, q)
	if err != nil {
		return nil, false, err
	}
	held = res.Header.Get("Preference-Applied") != ""
	if res.StatusCode == http.StatusNotModified {
		return nil, held, nil
	}
	doc, err = parse(res.Header.Get("Content-Type"), res.Request.URL, body, c.elements())
	if err != nil {
		return nil, held, fmt.Errorf("reading %s: %w", q.address, err)
	}
	doc.validators = validatorsOf(res.Header)
	return doc, held, nil
}

// content fetches the record that an entry of a foreign feed refers to.
func (c *client) content(ctx context.Context, address string) (json.RawMessage, error) {
	_, content, err := c.get(ctx, request{address: address, accept: acceptJSON})
	switch {
	case err != nil:
	case !json.Valid(content):
		err = fmt.Errorf("%s is not JSON", address)
	default:
		if err = checkJSON(c.elements(), content); err != nil {
			err = fmt.Errorf("reading %s: %w", address, err)
		}
	}
	return content, err
}

// elements returns how many elements a response may have.
func (c *client) elements() int { return int(c.limit / bytesPerElement) }

// get sends a request and reads its response. A body longer than the client's limit is an error.
func (c *client) get(ctx context.Context, q request) (res *http.Response, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+q.wait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.address, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := c.checkHost(r.URL); err != nil {
		return nil, nil, err
	}
	c.setHeaders(r.Header, q)
	if user, password, ok := strings.Cut(c.login, ":"); ok {
		r.SetBasicAuth(user, password)
	}
	if res, err = c.http.Do(r); err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	switch conditional := q.known != (validators{}); {
	case res.StatusCode == http.StatusOK:
	case res.StatusCode == http.StatusNotModified && conditional:
	case res.StatusCode == http.StatusIMUsed && conditional && q.wait > 0:
	default:
		return nil, nil, &StatusError{URL: q.address, Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, c.limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", q.address, err)
	}
	if int64(len(body)) > c.limit {
		return nil, nil, fmt.Errorf("%s is longer than %d MiB", q.address, c.limit>>20)
	}
	return res, body, nil
}

func (c *client) setHeaders(h http.Header, q request) {
	h.Set("User-Agent", c.agent)
	h.Set("Accept", c.accept)
	if q.accept != "" {
		h.Set("Accept", q.accept)
	}
	if q.known.etag != "" {
		h.Set("If-None-Match", q.known.etag)
	}
	if q.known.lastModified != "" {
		h.Set("If-Modified-Since", q.known.lastModified)
	}
	if q.revalidate {
		h.Set("Cache-Control", "no-cache")
	}
	if q.wait > 0 {
		h.Set("Prefer", "wait="+strconv.Itoa(int(q.wait/time.Second))) // RFC 7240 section 4.3
		h.Set("A-IM", "feed")                                          // RFC 3229
	}
}

// clearlyOlder is how much older than its response a Last-Modified must be. Within the second that it names, the feed may change
// again and keep it (RFC 9110 section 8.8.2.2); the response may have been made at the end of that second.
const clearlyOlder = 2 * time.Second

// validatorsOf returns the validators that are safe to send back. A poll whose document has none is not conditional.
func validatorsOf(h http.Header) validators {
	v := validators{etag: h.Get("ETag"), lastModified: h.Get("Last-Modified")}
	if v.etag != "" && !strings.HasPrefix(v.etag, "W/") {
		return v
	}
	modified, err := http.ParseTime(v.lastModified)
	date, dateErr := http.ParseTime(h.Get("Date"))
	if err != nil || dateErr != nil || date.Sub(modified) < clearlyOlder {
		v.lastModified = ""
	}
	return v
}

// retryAfter reads the header in both its forms, RFC 9110 section 10.2.3.
func retryAfter(s string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.Atoi(s); err == nil {
		d = time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

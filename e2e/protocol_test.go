// What a consumer sends and receives, recorded by a proxy between it and order.
package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"msatom/tools/system"
)

// exchange is a request and the status of its response.
type exchange struct {
	path, accept, ifNoneMatch string
	status                    int
	contentType               string
}

// recorder is a proxy that records the requests of one instance.
type recorder struct {
	instance string

	mu        sync.Mutex
	exchanges []exchange
}

// start starts the proxy in front of Apache. It is a system.Config.Between.
func (r *recorder) start(t *testing.T) func(front string) (string, error) {
	return func(front string) (string, error) {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: front})
		proxy.ModifyResponse = func(response *http.Response) error {
			q := response.Request
			if strings.Contains(q.Header.Get("User-Agent"), "("+r.instance+")") {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.exchanges = append(r.exchanges, exchange{q.URL.Path, strings.Join(q.Header.Values("Accept"), " and "), q.Header.Get("If-None-Match"),
					response.StatusCode, response.Header.Get("Content-Type")})
			}
			return nil
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		server := &httptest.Server{Listener: l, Config: &http.Server{Handler: proxy}}
		server.Start()
		t.Cleanup(server.Close)
		return server.URL, nil
	}
}

// take returns what was recorded since the last call.
func (r *recorder) take() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.exchanges
	r.exchanges = nil
	return taken
}

func TestAPollIsOneConditionalRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		env       []string
		mediaType string
	}{
		{"by default in Atom", nil, "application/atom+xml"},
		{"in JSON Feed", []string{"FEED_FORMAT=json"}, "application/json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{instance: "invoicing-1"}
			s := run(t, system.Config{Env: append([]string{"POLL_SCHEDULE=@every 1h"}, c.env...), Between: r.start(t)})
			shop := visit(t, s.URL())
			poll := func() []exchange {
				shop.must(200, "POST", "/invoicing/poll", "", asJSON...)
				return r.take()
			}
			eventually(t, "the poll at the start", patience, func() bool {
				return slices.ContainsFunc(r.take(), func(e exchange) bool { return e.status == http.StatusOK })
			})
			id := shop.mustPlace("one", 2)
			news, none := poll(), poll()
			if len(news) != 1 || news[0].path != "/order/feed" || news[0].accept != c.mediaType || news[0].status != 200 || !strings.HasPrefix(news[0].contentType, c.mediaType) {
				t.Errorf("a poll with news: %+v", news)
			}
			if len(none) != 1 || none[0].path != "/order/feed" || none[0].accept != c.mediaType || none[0].ifNoneMatch == "" || none[0].status != 304 {
				t.Errorf("a poll without news: %+v", none)
			}
			if r := shop.read("/invoicing/1"); r.ID != id {
				t.Errorf("invoice %d for order %d", r.ID, id)
			}
		})
	}
}

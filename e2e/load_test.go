package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// load is a group of clients that send requests while something happens to the system, and record every answer. Most keep their
// connections, like a browser; some open a connection per request, like curl.
type load struct {
	base string
	end  func() // stops the clients and returns when their last request is answered

	mu     sync.Mutex
	asked  []request
	orders map[string]int64 // by idempotency key
}

// request is a request of a client with its outcome.
type request struct {
	began          time.Time
	took           time.Duration
	method, path   string
	status         int
	instance, said string
}

func (r request) failed() bool { return r.status < 200 || r.status >= 500 && !r.late() }

// late reports whether a running instance answered that its time was up, which says that the machine is slow. An instance that is not ready
// says so at once, and Apache's own answers do not name an instance.
func (r request) late() bool {
	return r.status == http.StatusServiceUnavailable && r.instance != "" && r.took > 1900*time.Millisecond
}

// done reports whether the request was processed.
func (r request) done() bool { return r.status >= 200 && r.status < 500 }

func (r request) String() string {
	return fmt.Sprintf("%s %s: %d after %v, %.200s", r.method, r.path, r.status, r.took.Round(time.Millisecond), r.said)
}

const (
	readersOfEach = 2
	writers       = 4
	clients       = 3*readersOfEach + writers // at three services
)

// underLoad starts clients that read from each of the services, and others that place, change and cancel orders. If fresh, each request
// uses a new connection: an Apache that reloads its configuration closes kept-alive connections.
func underLoad(t *testing.T, base string, fresh bool, services ...string) *load {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	l := &load{base: base, orders: map[string]int64{}}
	var clients sync.WaitGroup
	for _, service := range services {
		for reader := range readersOfEach {
			clients.Go(func() {
				client := visit(t, base)
				client.http.Transport.(*http.Transport).DisableKeepAlives = fresh || reader == 0
				for ctx.Err() == nil {
					l.ask(client, "GET", "/"+service+"/?limit=1", "", asJSON...)
					time.Sleep(5 * time.Millisecond) // limits the load to what two cores can serve
				}
			})
		}
	}
	for writer := range writers {
		clients.Go(func() {
			client := visit(t, base)
			client.http.Transport.(*http.Transport).DisableKeepAlives = fresh
			for n := 0; ctx.Err() == nil; n++ {
				l.order(ctx, client, fmt.Sprint("writer ", writer, " order ", n))
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	l.end = sync.OnceFunc(func() { cancel(); clients.Wait() })
	t.Cleanup(l.end)
	return l
}

// order places an order, repeating the request with the same idempotency key until it succeeds, as a careful client does. Then it changes
// and cancels the order, once each.
func (l *load) order(ctx context.Context, client *shop, name string) {
	body, err := json.Marshal(map[string]any{"customer": 1, "shippingAddress": address, "billingAddress": address,
		"orderLine": []any{map[string]any{"count": 1, "item": 1}}})
	if err != nil {
		panic(err)
	}
	var o record
	for attempts := 30; o.ID == 0; { // at the end: a request that failed may have placed the order
		a := l.ask(client, "POST", "/order/", string(body), append(jsonIn, "Idempotency-Key", name)...)
		if a.status == http.StatusCreated {
			_ = json.Unmarshal(a.body, &o)
		} else if ctx.Err() != nil {
			if attempts--; attempts == 0 {
				return
			}
			time.Sleep(time.Second)
		}
	}
	l.mu.Lock()
	l.orders[name] = o.ID
	l.mu.Unlock()
	l.ask(client, "PUT", fmt.Sprint("/order/", o.ID), string(body), jsonIn...)
	l.ask(client, "DELETE", fmt.Sprint("/order/", o.ID), "", asJSON...)
}

func (l *load) ask(client *shop, method, path, body string, header ...string) answer {
	r := request{began: time.Now(), method: method, path: path}
	a, err := client.ask(method, path, body, header...)
	r.took, r.status, r.said = time.Since(r.began), a.status, string(a.body)
	if err != nil {
		r.status, r.said = 0, err.Error()
	} else {
		r.instance = a.header.Get("X-Instance")
	}
	l.mu.Lock()
	l.asked = append(l.asked, r)
	l.mu.Unlock()
	return a
}

// since returns the requests that began at or after a moment and have been answered.
func (l *load) since(moment time.Time) (asked []request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.asked {
		if !r.began.Before(moment) {
			asked = append(asked, r)
		}
	}
	return asked
}

// failed returns the failed requests that were answered after a moment, including those in flight at that moment.
func (l *load) failed(moment time.Time) (failed []request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.asked {
		if r.failed() && r.began.Add(r.took).After(moment) {
			failed = append(failed, r)
		}
	}
	return failed
}

// none fails the test if a request failed after a moment.
func (l *load) none(t *testing.T, moment time.Time, what string) {
	t.Helper()
	failed := l.failed(moment)
	t.Logf("%s: %d requests, %d failed", what, len(l.since(moment)), len(failed))
	for _, r := range failed {
		t.Errorf("%s: %s", what, r)
	}
}

// used waits until each of the instances has answered a request sent after now.
func (l *load) used(t *testing.T, what string, instances ...string) {
	t.Helper()
	began := time.Now()
	eventually(t, fmt.Sprint(what, " instances get requests: ", instances), patience, func() bool {
		for _, i := range instances {
			if !slices.ContainsFunc(l.since(began), func(r request) bool { return r.instance == i && !r.failed() }) {
				return false
			}
		}
		return true
	})
	t.Logf("%s: got requests after %v", what, time.Since(began).Round(100*time.Millisecond))
}

// The tests of what this package does for every service use a service with a few routes and no database.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"msatom/shared/page"
	"msatom/shared/problem"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// thing returns a service with some routes. It is ready while the returned value is true.
func thing() (*echo.Echo, *atomic.Bool) {
	var ready atomic.Bool
	ready.Store(true)
	files := fstest.MapFS{"pages/some.html": {Data: []byte(`{{define "main"}}<p>{{.Data}}</p>{{end}}`)}}
	e := New(Options{Service: "thing", Instance: "thing-1", Pages: page.New("thing", "thing-1", files), Ready: func() (bool, string) { return ready.Load(), "asleep" }})
	Get(e, "/thing/", func(c echo.Context) error {
		return c.Render(http.StatusOK, "some", Page{Title: "Things", Data: "<all>"})
	})
	Get(e, "/thing/:id", func(c echo.Context) error {
		id, err := ID(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, id)
	})
	e.PUT("/thing/:id", func(c echo.Context) error { _, err := ID(c); return err })
	Get(e, "/thing/own", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.POST("/thing/post", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	return e, &ready
}

// do sends a request to the handler. header contains names and values in turn.
func do(h http.Handler, method, path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Apache sends Expect: 100-continue and sends the body only when the service begins to read it. Such a request gets its answer, even
// if the handler does not need the body.
func TestExpectContinueIsAnswered(t *testing.T) {
	t.Parallel()
	e, _ := thing()
	e.POST("/thing/json", func(c echo.Context) error { _, err := BodyType(c); return err })
	server := httptest.NewServer(e)
	defer server.Close()
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour}}
	for _, c := range []struct {
		header, value string
		size, status  int
	}{
		{"Content-Type", "text/plain", 10, 415},
		{"Sec-Fetch-Site", "cross-site", 10, 403},
		{"Content-Type", Form, 2 << 20, 413},
		{"Content-Type", Form, 10, 200},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/thing/json", strings.NewReader(strings.Repeat("x", c.size)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Expect", "100-continue")
		r.Header.Set(c.header, c.value)
		a, err := client.Do(r)
		if err != nil {
			t.Errorf("%s: %s: %v", c.header, c.value, err)
			continue
		}
		a.Body.Close()
		if a.StatusCode != c.status {
			t.Errorf("%s: %s: %d, want %d", c.header, c.value, a.StatusCode, c.status)
		}
	}
}

func TestErrorResponses(t *testing.T) {
	t.Parallel()
	timeout, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	const secret = "password=secret"
	for name, c := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"problem":           {problem.Conflict("It is %s.", "sold"), 409, "It is sold."},
		"wrapped problem":   {fmt.Errorf("%s: %w", secret, problem.NotFound("Gone.")), 404, "Gone."},
		"faults":            {problem.Invalid(problem.Field{Name: "city", Detail: "is missing"}), 422, "is missing"},
		"anything":          {errors.New(secret), 500, "Internal error"},
		"echo's":            {echo.NewHTTPError(400, secret), 400, "Bad Request"},
		"echo's, too large": {echo.ErrStatusRequestEntityTooLarge, 413, "larger than 1 MiB"},
		"too large":         {&http.MaxBytesError{Limit: 1}, 413, "larger than 1 MiB"},
		"database away":     {&net.OpError{Op: "dial", Err: errors.New(secret)}, 503, "The database is unavailable"},
		"deadlock":          {&pgconn.PgError{Code: "40P01", Message: secret}, 503, "nothing was changed"},
		"too slow":          {timeout.Err(), 503, "took too long"},
		"given up":          {context.Canceled, 503, "cancelled"},
	} {
		e, _ := thing()
		Get(e, "/thing/fails", func(echo.Context) error { return c.err })
		Get(e, "/thing/panics", func(echo.Context) error { panic(c.err) })
		for _, accept := range []string{"", JSON, "*/*", "text/html", "nonsense"} {
			w := do(e, "GET", "/thing/fails", nil, "Accept", accept)
			want := map[bool]string{true: "text/html; charset=UTF-8", false: "application/problem+json"}[accept == "text/html"]
			if w.Code != c.status || w.Header().Get("Content-Type") != want || !strings.Contains(w.Body.String(), c.text) || strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s for %q: %d %s %s", name, accept, w.Code, w.Header().Get("Content-Type"), w.Body)
			}
			if retry := w.Header().Get("Retry-After") != ""; retry != (c.status == 503) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s for %q: %v", name, accept, w.Header())
			}
		}
		if w := do(e, "HEAD", "/thing/fails", nil); w.Code != c.status || w.Body.Len() > 0 {
			t.Errorf("%s: HEAD %d %q", name, w.Code, w.Body)
		}
		if w := do(e, "GET", "/thing/panics", nil); w.Code < 400 || strings.Contains(w.Body.String(), secret) || w.Header().Get("X-Instance") == "" {
			t.Errorf("%s: panic %d %s", name, w.Code, w.Body)
		}
	}
}

func TestEveryResponseHasTheCommonHeaders(t *testing.T) {
	t.Parallel()
	e, ready := thing()
	check := func(w *httptest.ResponseRecorder, status int) {
		t.Helper()
		h := w.Header()
		if w.Code != status || h.Get("X-Instance") != "thing-1" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%d, want %d: %v %s", w.Code, status, h, w.Body)
		}
	}
	form := []string{"Content-Type", Form}
	check(do(e, "GET", "/thing/", nil), 200)
	check(do(e, "GET", "/thing", nil), 301)
	check(do(e, "GET", "/thing/style.css", nil), 200)
	check(do(e, "GET", "/thing/live.js", nil), 200)
	check(do(e, "GET", "/thing/x", nil), 404)
	check(do(e, "GET", "/nothing", nil), 404)
	check(do(e, "PATCH", "/thing/own", nil), 405)
	check(do(e, "PUT", "/thing/own", nil), 405)
	check(do(e, "POST", "/thing/post", nil, "Sec-Fetch-Site", "cross-site"), 403)
	check(do(e, "POST", "/thing/post", strings.NewReader(strings.Repeat("x", 1<<20)), form...), 204)
	check(do(e, "POST", "/thing/post", strings.NewReader(strings.Repeat("x", 1<<20+1)), form...), 413)
	check(do(e, "POST", "/thing/post", io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20+1))), form...), 413)
	check(do(e, "POST", "/thing/post", strings.NewReader("a=%zz"), form...), 415)
	ready.Store(false)
	check(do(e, "GET", "/thing/", nil), 503)
	check(do(e, "POST", "/thing/post", nil), 503)
	check(do(e, "GET", "/readyz", nil), 503)
	check(do(e, "GET", "/healthz", nil), 200)
	check(do(e, "GET", "/metrics", nil), 200)
	check(do(e, "GET", "/thing/style.css", nil), 200)
	check(do(e, "GET", "/thing/live.js", nil), 200)
}

// Addresses and methods that clients invent create no new time series.
func TestMetricsStayBounded(t *testing.T) {
	t.Parallel()
	e, _ := thing()
	for _, path := range []string{"/invented/address", "/thing/invented", "/thing/7/invented", "/"} {
		do(e, "GET", path, nil)
		do(e, "INVENTED", path, nil)
	}
	metrics := do(e, "GET", "/metrics", nil).Body.String()
	if strings.Contains(strings.ToLower(metrics), "invented") || !strings.Contains(metrics, `route="none"`) || !strings.Contains(metrics, `route="/thing/:id"`) {
		t.Errorf("metrics:\n%s", metrics)
	}
	// The histogram as Prometheus reads it: its type, its cumulative buckets, its count.
	for _, line := range []string{
		"# TYPE msatom_http_request_seconds histogram", `msatom_http_request_seconds_bucket{method="other",route="none",status="404",le="0.0005"} `,
		`msatom_http_request_seconds_bucket{method="other",route="none",status="404",le="+Inf"} 2`, `msatom_http_request_seconds_count{method="other",route="none",status="404"} 2`,
	} {
		if !strings.Contains(metrics, "\n"+line) {
			t.Errorf("no line begins with %q:\n%s", line, metrics)
		}
	}
}

// A request that takes too long gets an answer of the service, before the reverse proxy gives up.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, prefer string
		below                time.Duration
	}{
		{"GET", "/thing/slow", "wait=20", 4 * time.Second},
		{"PUT", "/thing/slow", "", 4 * time.Second},
		{"GET", "/thing/feed", "", 4 * time.Second},
		{"GET", "/thing/feed", "wait=20", time.Minute},
		{"GET", "/thing/feed?timeout=20000", "", time.Minute},
		{"POST", "/thing/poll", "", time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			e, _ := thing()
			slow := func(c echo.Context) error {
				<-c.Request().Context().Done()
				return fmt.Errorf("reading: %w", c.Request().Context().Err())
			}
			for _, path := range []string{"/thing/slow", "/thing/feed", "/thing/poll"} {
				e.Any(path, slow)
			}
			began := time.Now()
			w := do(e, c.method, c.path, nil, "Prefer", c.prefer)
			if took := time.Since(began); w.Code != 503 || took >= c.below || took < c.below/2 || !strings.Contains(w.Body.String(), "took too long") {
				t.Errorf("%s %s %s: %d after %v: %s", c.method, c.path, c.prefer, w.Code, took, w.Body)
			}
		})
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	e, ready := thing()
	s := httptest.NewServer(e)
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	if err := Healthcheck(":" + port); err != nil {
		t.Error(err)
	}
	ready.Store(false)
	if err := Healthcheck("0.0.0.0:" + port); err == nil {
		t.Error("healthy without a database")
	}
	for _, bad := range []string{":1", "nonsense", ""} {
		if err := Healthcheck(bad); err == nil {
			t.Errorf("%q is healthy", bad)
		}
	}
	var state struct{ Status, Instance, Database string }
	_ = json.Unmarshal(do(e, "GET", "/readyz", nil).Body.Bytes(), &state)
	if state.Status != "waiting" || state.Instance != "thing-1" || state.Database != "asleep" {
		t.Errorf("%+v", state)
	}
}

// A server that is shut down finishes requests in flight and accepts no new connections.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := Serve(t.Context(), addr, http.NotFoundHandler()); err == nil {
		t.Error("two servers at one address")
	}
	ctx, stop := context.WithCancel(t.Context())
	arrived, finish, stopped := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		stopped <- serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				close(arrived)
				<-finish
			}
			fmt.Fprint(w, "done")
		}))
	}()
	get := func(path string, header http.Header) (status int, body string, err error) {
		r, _ := http.NewRequest("GET", "http://"+addr+path, nil)
		r.Header = header
		a, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			return 0, "", err
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		return a.StatusCode, string(b), err
	}
	if status, _, err := get("/", nil); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	if status, _, err := get("/", http.Header{"Accept": {strings.Repeat("text/html,", 10_000)}}); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("100 KB of header: %d %v", status, err)
	}
	slow := make(chan string, 1)
	go func() { _, body, err := get("/slow", nil); slow <- fmt.Sprint(body, err) }()
	<-arrived
	stop()
	for {
		if c, err := net.Dial("tcp", addr); err != nil {
			break // the server accepts no more connections
		} else {
			c.Close()
		}
	}
	close(finish)
	if got := <-slow; got != "done<nil>" {
		t.Errorf("the request in flight: %s", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

package system

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Apache does not reveal its version, and its own pages carry a strict content security policy.
func TestHeadersOfTheFrontDoor(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr(), "invoicing-1": "127.0.0.1:1"})
	for path, status := range map[string]int{"/": 200, "/style.css": 200, "/live.js": 200, "/nowhere": 404, "/invoicing/": 503, "/order/": 200} {
		got := ask(t, "GET", url+path, "")
		if got.status != status || got.header.Get("Server") != "Apache" || got.header.Get("X-Powered-By") != "" || strings.Contains(got.body, "Apache/") || strings.Contains(got.body, "Debian") {
			t.Errorf("%s: %d, %v", path, got.status, got.header)
		}
		if path == "/order/" { // the service sets its own policy
			continue
		}
		policy := got.header.Get("Content-Security-Policy")
		if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Referrer-Policy") != "same-origin" ||
			!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

// Apache rejects oversized requests and gives up on slow ones before a service sees them.
func TestOversizedAndSlowRequests(t *testing.T) {
	t.Parallel()
	order := newBackend(t, "order-1")
	url := frontDoor(t, map[string]string{"order-1": order.addr()})
	var many []string
	for i := range 65 {
		many = append(many, "X-Number-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "1")
	}
	for what, got := range map[string]answer{
		"65 fields":           ask(t, "GET", url+"/order/", "", many...),
		"a field of 9 kB":     ask(t, "GET", url+"/order/", "", "X-Long", strings.Repeat("x", 9000)),
		"an address of 33 kB": ask(t, "GET", url+"/order/?"+strings.Repeat("x", 33_000), ""),
		"a body of 3 MiB":     ask(t, "POST", url+"/order/", strings.Repeat("x", 3<<20)),
	} {
		if got.status != http.StatusBadRequest && got.status != http.StatusRequestURITooLong && got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", what, got.status)
		}
		if !strings.Contains(got.body, "</footer>") {
			t.Errorf("%s: the answer is no page of the site: %q", what, got.body)
		}
	}
	if n := len(order.requests()); n != 0 {
		t.Errorf("%d of them reached the service", n)
	}
	if got := ask(t, "GET", url+"/order/?"+strings.Repeat("x", 30_000), ""); got.status != http.StatusOK {
		t.Errorf("an address of 30 kB, like those of the order form: %d", got.status)
	}

	if text := answerToHalf(t, url, "GET /order/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); text != "" && !strings.Contains(text, " 408 ") {
		t.Errorf("half a header is answered with %q", text)
	}
	half := "POST /order/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	if text := answerToHalf(t, url, half); !strings.Contains(text, " 408 ") || !strings.Contains(text, "Request timed out") {
		t.Errorf("half a body is answered with %q", text)
	}
}

// answerToHalf sends the beginning of a request, waits, and returns the answer.
func answerToHalf(t *testing.T, url, begin string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, begin); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("Apache is still waiting: %v", err)
	}
	return string(text)
}

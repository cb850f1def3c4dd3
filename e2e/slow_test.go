// Slow clients: who sends a request byte by byte is given up, and nobody else notices.
package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// slowly has many clients send heads and bodies without end, a byte now and then, while others place orders and read.
func slowly(t *testing.T, base string) {
	const each = 50
	l := underLoad(t, base, false, threeServices...)
	began := time.Now()
	var slow sync.WaitGroup
	for what, begin := range map[string]string{
		"head": "GET /order/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"body": "POST /order/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
	} {
		for n := range each {
			slow.Go(func() {
				said, err := drip(base, begin)
				status, _, _ := strings.Cut(said, "\r\n")
				if n == 0 {
					t.Logf("a %s was given up after %v: %q", what, time.Since(began).Round(time.Second), status)
				}
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded):
					t.Errorf("a slow %s is not given up", what)
				case !strings.Contains(status, " 408 ") && (what == "body" || said != ""):
					t.Errorf("a slow %s is answered by %q, %v", what, said, err)
				}
			})
		}
	}
	slow.Wait()
	l.end()
	l.none(t, began, "beside slow clients")
}

// drip sends the beginning of a request and then ten bytes a second, until the connection is ended. It would go on for hours, so the
// minute after which it gives up itself says that nobody ended it.
func drip(base, begin string) (string, error) {
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return "", err
	}
	go func() {
		for _, err := io.WriteString(c, begin); err == nil; _, err = io.WriteString(c, "x") {
			time.Sleep(100 * time.Millisecond) // this is what is tried
		}
	}()
	said, err := io.ReadAll(c)
	return string(said), err
}

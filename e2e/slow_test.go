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

// slowly sends headers and bodies byte by byte from many clients, while others place orders and read. Apache must give up on the slow
// clients without affecting the others.
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
					t.Logf("Apache gave up on a slow %s after %v: %q", what, time.Since(began).Round(time.Second), status)
				}
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded):
					t.Errorf("Apache does not give up on a slow %s", what)
				case !strings.Contains(status, " 408 ") && (what == "body" || said != ""):
					t.Errorf("a slow %s is answered with %q, %v", what, said, err)
				}
			})
		}
	}
	slow.Wait()
	l.end()
	l.none(t, began, "beside slow clients")
}

// drip sends the beginning of a request and then ten bytes a second until the server closes the connection, or for a minute, which is an
// error.
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
			time.Sleep(100 * time.Millisecond) // the slowness under test
		}
	}()
	said, err := io.ReadAll(c)
	return string(said), err
}

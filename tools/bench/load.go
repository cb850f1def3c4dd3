package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is GET requests over a number of connections, each sending its next request when the previous one is answered.
type load struct {
	addr   string               // host:port
	path   func(n int64) string // of request n, counted from 0
	header string               // lines, each with its CRLF
	status int                  // of every response; another is an error
	conns  int
}

// fixed is the path of every request.
func fixed(path string) func(int64) string { return func(int64) string { return path } }

// byClient measures requests per second as a program sees them that uses Go's http.Client, as the consumers do.
func (l load) byClient(d time.Duration) float64 {
	transport := &http.Transport{MaxIdleConnsPerHost: l.conns, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	header := must(textproto.NewReader(bufio.NewReader(strings.NewReader(l.header + "\r\n"))).ReadMIMEHeader())
	var number atomic.Int64
	return many(l.conns, func() error {
		r, err := http.NewRequest(http.MethodGet, "http://"+l.addr+l.path(number.Add(1)-1), nil)
		if err != nil {
			return err
		}
		r.Header = http.Header(header)
		res, err := client.Do(r)
		return l.check(res, err)
	})(d)
}

// bySocket measures requests per second over bare connections: on a machine that client and server share, it costs so little that
// hardly more than the server is measured.
func (l load) bySocket(d time.Duration) float64 {
	type connection struct {
		net.Conn
		r *bufio.Reader
	}
	idle := make(chan *connection, l.conns)
	for range l.conns {
		idle <- nil
	}
	var number atomic.Int64
	defer func() {
		for range l.conns {
			if c := <-idle; c != nil {
				c.Close()
			}
		}
	}()
	return many(l.conns, func() error {
		c := <-idle
		defer func() { idle <- c }()
		if c == nil {
			dialled, err := net.DialTimeout("tcp", l.addr, 10*time.Second)
			if err != nil {
				return err
			}
			c = &connection{dialled, bufio.NewReaderSize(dialled, 64<<10)}
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", l.path(number.Add(1)-1), l.addr, l.header); err != nil {
			return err
		}
		res, err := http.ReadResponse(c.r, nil)
		err = l.check(res, err)
		if err != nil || res.Close { // Apache closes a connection after many requests, and says so before
			c.Close()
			c = nil
		}
		return err
	})(d)
}

// check reads a response to its end.
func (l load) check(res *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != l.status {
		return fmt.Errorf("%s: status %d, not %d, %w", l.addr, res.StatusCode, l.status, err)
	}
	return nil
}

// many measures how often per second workers can do something, each over and over.
func many(workers int, do func() error) measure {
	return func(d time.Duration) float64 {
		var n atomic.Int64
		failures := make(chan error, workers)
		began := time.Now()
		var running sync.WaitGroup
		for range workers {
			running.Go(func() {
				for time.Since(began) < d && len(failures) == 0 {
					if err := do(); err != nil {
						failures <- err
						return
					}
					n.Add(1)
				}
			})
		}
		running.Wait()
		close(failures)
		check(<-failures)
		return float64(n.Load()) / time.Since(began).Seconds()
	}
}

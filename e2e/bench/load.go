package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests over a number of connections, on each the next when the last was answered. It reads no more of an answer than it
// must: on a machine that it shares with the server, its own work should not be what is measured.
type load struct {
	addr   string               // host:port
	path   func(n int64) string // of request n
	header string               // lines, each with its CRLF
	status int                  // of every answer; another is an error
	conns  int
}

// fixed is the path of every request.
func fixed(path string) func(int64) string { return func(int64) string { return path } }

// perSecond is a measure: how many requests are answered in a second.
func (l load) perSecond(ctx context.Context, d time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second)
	defer cancel()
	var number, answered atomic.Int64
	var failure atomic.Value
	began := time.Now()
	end := began.Add(d)
	var running sync.WaitGroup
	for range l.conns {
		running.Go(func() {
			if err := l.one(ctx, end, &number, &answered); err != nil {
				failure.Store(err)
			}
		})
	}
	running.Wait()
	took := time.Since(began)
	if err, failed := failure.Load().(error); failed {
		return 0, err
	}
	return float64(answered.Load()) / took.Seconds(), ctx.Err()
}

// byClient is perSecond as a program sees it that uses Go's http.Client, as the consumers do.
func (l load) byClient(ctx context.Context, d time.Duration) (float64, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: l.conns, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var number atomic.Int64
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(l.header + "\r\n"))).ReadMIMEHeader()
	if err != nil {
		return 0, err
	}
	return many(l.conns, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.addr+l.path(number.Add(1)-1), nil)
		if err != nil {
			return err
		}
		r.Header = http.Header(header)
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != l.status {
			return fmt.Errorf("%s: status %d, not %d, %w", r.URL, res.StatusCode, l.status, err)
		}
		return nil
	})(ctx, d)
}

// many does something by a number of workers over and over, and returns how often in a second.
func many(workers int, do func(context.Context) error) measure {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		var n atomic.Int64
		var failure atomic.Value
		began := time.Now()
		var running sync.WaitGroup
		for range workers {
			running.Go(func() {
				for time.Since(began) < d && failure.Load() == nil {
					if err := do(ctx); err != nil {
						failure.Store(err)
					}
					n.Add(1)
				}
			})
		}
		running.Wait()
		if err, failed := failure.Load().(error); failed {
			return 0, err
		}
		return float64(n.Load()) / time.Since(began).Seconds(), nil
	}
}

// costs is a measure: how many microseconds of processor time a program needs for each request, while it is asked as in take.
func (p *process) costs(take measure) measure {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		before, err := p.processor()
		if err != nil {
			return 0, err
		}
		began := time.Now()
		perSecond, err := take(ctx, d)
		if err != nil {
			return 0, err
		}
		requests := perSecond * time.Since(began).Seconds()
		after, err := p.processor()
		return float64((after - before).Microseconds()) / requests, err
	}
}

// wait is a measure of nothing, while something else is busy by itself.
func wait(ctx context.Context, d time.Duration) (float64, error) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return 0, ctx.Err()
}

// one uses one connection at a time until the time is up: a server may close it after many requests, as Apache does, and says so before.
func (l load) one(ctx context.Context, end time.Time, number, answered *atomic.Int64) error {
	for time.Now().Before(end) {
		if err := l.connection(ctx, end, number, answered); err != nil {
			return err
		}
	}
	return nil
}

func (l load) connection(ctx context.Context, end time.Time, number, answered *atomic.Int64) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	r := bufio.NewReaderSize(c, 64<<10)
	var request []byte
	for last := false; !last && time.Now().Before(end); {
		request = fmt.Appendf(request[:0], "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", l.path(number.Add(1)-1), l.addr, l.header)
		if _, err := c.Write(request); err != nil {
			return err
		}
		var status int
		if status, last, err = answer(r); err != nil {
			return err
		}
		if status != l.status {
			return fmt.Errorf("%s: status %d, not %d", bytes.TrimSpace(request), status, l.status)
		}
		answered.Add(1)
	}
	return nil
}

// answer reads an answer that has a length, or none as a 304, and says whether it is the last on its connection.
func answer(r *bufio.Reader) (status int, last bool, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return status, last, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case first:
			if status, err = strconv.Atoi(string(line[9:min(12, len(line))])); err != nil {
				return status, last, err
			}
		case len(line) == 0:
			_, err := r.Discard(length)
			return status, last, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return status, last, err
			}
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return status, last, io.ErrUnexpectedEOF // nothing that is measured is sent so
		}
	}
}

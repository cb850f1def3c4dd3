// Package hold puts requests aside that wait for something. Of one that is aside nothing is left but its connection and its own few
// hundred bytes: no goroutine, no buffer. When it goes on, the server reads it from its connection as though it had just come, so
// whoever answers it knows nothing of all this.
//
// It promises: a request that was put aside is read again once, with whatever was sent behind it, and its connection goes on as any other. A
// client that leaves meanwhile is noticed when the request goes on.
package hold

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Listener is a net.Listener whose server can put requests aside. The server needs its ConnContext too.
type Listener struct {
	net.Listener
	came   chan came
	again  chan net.Conn
	closed chan struct{}
	close  sync.Once

	mu       sync.Mutex
	aside    map[*request]struct{}
	released bool
}

type came struct {
	conn net.Conn
	err  error
}

// Listen wraps a listener.
func Listen(inner net.Listener) *Listener {
	l := &Listener{Listener: inner, came: make(chan came), again: make(chan net.Conn), closed: make(chan struct{}), aside: map[*request]struct{}{}}
	go l.accept()
	return l
}

func (l *Listener) accept() {
	for {
		c, err := l.Listener.Accept()
		select {
		case l.came <- came{c, err}:
		case <-l.closed:
			if err == nil {
				c.Close()
			}
			return
		}
	}
}

// Accept returns a new connection, or one whose request goes on.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.came:
		return c.conn, c.err
	case c := <-l.again:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listening. Requests that are still aside lose their connections when they go on.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Release lets all requests go on that are aside, and puts none aside any more: the server is about to be stopped.
func (l *Listener) Release() {
	l.mu.Lock()
	l.released = true
	var all []*request
	for r := range l.aside {
		all = append(all, r)
	}
	l.mu.Unlock()
	for _, r := range all {
		r.resume()
	}
}

type key struct{}

// seat is what a connection's requests know of it.
type seat struct {
	listener *Listener
	mu       sync.Mutex
	waited   bool // its next request was aside already
}

// ConnContext is that of the http.Server.
func (l *Listener) ConnContext(ctx context.Context, c net.Conn) context.Context {
	_, waited := c.(*request)
	return context.WithValue(ctx, key{}, &seat{listener: l, waited: waited})
}

// Waited says, once, that a request was aside before.
func Waited(r *http.Request) bool {
	s, ok := r.Context().Value(key{}).(*seat)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	waited := s.waited
	s.waited = false
	return waited
}

// Aside puts a request without a body aside. The handler must return then, without an answer; the request goes on when resume is called,
// however often. It reports false where that cannot be done, as in a server without a Listener: the handler must wait itself.
func Aside(w http.ResponseWriter, r *http.Request) (resume func(), ok bool) {
	s, ok := r.Context().Value(key{}).(*seat)
	if !ok || r.ContentLength != 0 {
		return nil, false
	}
	l := s.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return nil, false
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, false
	}
	if before, ok := conn.(*request); ok {
		conn = before.Conn
	}
	var unread bytes.Buffer
	fmt.Fprintf(&unread, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	_ = r.Header.Write(&unread) // a bytes.Buffer takes everything
	unread.WriteString("\r\n")
	behind, _ := buffered.Peek(buffered.Reader.Buffered())
	unread.Write(behind)
	aside := &request{Conn: conn, listener: l, unread: bytes.Clone(unread.Bytes())}
	l.aside[aside] = struct{}{}
	return aside.resume, true
}

// request is a connection whose request, and what came behind it, is still to be read.
type request struct {
	net.Conn
	listener *Listener
	unread   []byte
}

func (r *request) resume() {
	l := r.listener
	l.mu.Lock()
	_, aside := l.aside[r]
	delete(l.aside, r)
	l.mu.Unlock()
	if !aside {
		return
	}
	select {
	case l.again <- r:
	case <-l.closed:
		r.Close()
	}
}

// Read is that of a net.Conn.
func (r *request) Read(b []byte) (int, error) {
	if len(r.unread) > 0 {
		n := copy(b, r.unread)
		r.unread = r.unread[n:]
		return n, nil
	}
	return r.Conn.Read(b)
}

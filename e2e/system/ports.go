package system

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

// Ports are taken below the range from which the system gives ports to outgoing connections: a program that is started
// again finds its port as it left it.

const firstPort, lastPort = 20000, 32000

// reserve holds a free port of this machine by listening on it, until the program that it is for is started.
func reserve() (net.Listener, error) {
	var last error
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free port between %d and %d: %w", firstPort, lastPort, last)
}

// reserveFront holds the port of the front door on all addresses; 0 stands for a free one. For as long as patience, a port
// that is in use may still become free: by the Apache of a supervisor that was killed a moment ago.
func reserveFront(port int, patience time.Duration) (net.Listener, error) {
	if port == 0 {
		l, err := reserve()
		if err != nil {
			return nil, err
		}
		l.Close()
		port = portOf(l)
	}
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("port %d cannot be used: %w", port, err)
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("port %d is taken by another program: end that one, or choose another port with PORT=", port)
		}
	}
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

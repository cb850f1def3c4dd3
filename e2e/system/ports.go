package system

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A program that is started again finds its port as it left it: what only this machine's programs ask for has an address that no
// other process takes for its own, and the front door has a port below the range that the system gives to outgoing connections.

const firstPort, lastPort = 20000, 32000

// given are the ports that systems of this process have, or had.
var given sync.Map

// Loopback is an address of this machine for the servers of this process and its children: it is made of the process id.
func Loopback() string {
	pid := os.Getpid()
	return net.IPv4(127, byte(pid>>16), byte(pid>>8), byte(pid)).String()
}

// reserve holds a free port of Loopback by listening on it, until the program that it is for is started.
func reserve() (net.Listener, error) {
	return reserveAny(func(port string) string { return net.JoinHostPort(Loopback(), port) })
}

func reserveAny(address func(port string) string) (net.Listener, error) {
	var last error
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if _, twice := given.LoadOrStore(port, true); twice {
			continue
		}
		l, err := net.Listen("tcp", address(strconv.Itoa(port)))
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
		return reserveAny(func(port string) string { return ":" + port })
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

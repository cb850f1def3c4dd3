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

// A program that is started again must find its port free. Two things make sure of that: the ports are below the range that Linux
// gives to outgoing connections, and all programs except Apache listen on a loopback address that no other supervisor uses.

const firstPort, lastPort = 20000, 32000

// reserved holds the ports that this process has given out. None is given out twice.
var reserved sync.Map

// Loopback returns a loopback address, derived from the process id, for the servers of this process and its children.
func Loopback() string {
	pid := os.Getpid()
	return net.IPv4(127, byte(pid>>16), byte(pid>>8), byte(pid)).String()
}

// reserve reserves a free port of Loopback. The listener holds it until the program that needs it starts.
func reserve() (net.Listener, error) { return reserveOn(Loopback()) }

func reserveOn(host string) (net.Listener, error) {
	var last error
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if _, taken := reserved.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free port between %d and %d: %w", firstPort, lastPort, last)
}

// reserveFront reserves the port of the front door on all addresses; 0 stands for any free port. After a killed supervisor, whose
// Apache may still be ending, it waits up to thirty seconds for a port in use. Apache gives its children ten seconds.
func reserveFront(port int, killed bool) (net.Listener, error) {
	if port == 0 {
		return reserveOn("")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("cannot use port %d: %w", port, err)
		}
		if !killed || time.Now().After(end) {
			return nil, fmt.Errorf("port %d is in use by another program: stop it, or choose another port with PORT=", port)
		}
	}
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

//go:build !linux

package pgtest

import (
	"net"
	"os"
	"syscall"
)

func directory() string { return "" }

func attributes(string) (*syscall.SysProcAttr, error) { return nil, nil }

// address takes a free port: only Linux has all of 127.0.0.0/8.
func address(int) (host, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer l.Close()
	return net.SplitHostPort(l.Addr().String())
}

func quit(p *os.Process) { _ = p.Kill() }

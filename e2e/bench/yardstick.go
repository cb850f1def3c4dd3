package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// yardsticks are programs that do less than a service: handlers for an argument, by name.
var yardsticks = map[string]func(argument string) (http.Handler, error){
	"not-modified": echoNotModified,
	"bytes":        bareBytes,
	"preload":      gormAndGorilla,
	"max":          maxUpdated,
}

// serveYardstick is the whole life of a yardstick: it says its address and serves until it is killed.
func serveYardstick(args []string) {
	err := func() error {
		h, err := yardsticks[args[0]](args[1])
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:0"))
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
		return http.Serve(l, h)
	}()
	fmt.Fprintln(os.Stderr, "yardstick:", err)
	os.Exit(1)
}

// yardstick starts one of them, from this very program. Its address can be given in env, as ADDR.
func (b *bench) yardstick(_ context.Context, name, argument string, env ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, name, argument)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("yardstick %s: %w", name, err)
	}
	p.addr = strings.TrimSpace(line)
	return p, nil
}

// bareBytes answers with the content of a file, by net/http and nothing else.
func bareBytes(file string) (http.Handler, error) {
	body, err := os.ReadFile(file)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/atom+xml"}
		w.Header()["Content-Length"] = []string{fmt.Sprint(len(body))}
		_, _ = w.Write(body)
	}), err
}

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
)

// yardsticks are programs that do less than a service: handlers for one argument, by name.
var yardsticks = map[string]func(argument string) (http.Handler, error){
	"not-modified": echoNotModified,
	"bytes":        fileBytes,
	"snapshots":    storedSnapshots,
	"max":          maxChanged,
}

// serveYardstick is the whole life of a yardstick: it prints its address and serves until it is killed.
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

// yardstick starts one of them, from this very program. ADDR in env replaces the free address that it gets otherwise.
func (b *bench) yardstick(name, argument string, env ...string) *process {
	cmd := exec.Command(must(os.Executable()), name, argument)
	cmd.Env = append(os.Environ(), env...)
	out := must(cmd.StdoutPipe())
	launch(cmd)
	line := must(bufio.NewReader(out).ReadString('\n'))
	return &process{cmd: cmd, name: name, addr: strings.TrimSpace(line)}
}

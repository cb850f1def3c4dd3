package system

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Ctrl-C reaches make and this program together, but a signal sent to make alone does not: make passes SIGTERM on, not
// SIGINT, and waits for us. It has then stopped catching SIGINT, by which it can be seen. And when make is killed, we stop too.

// UntilTold returns a context that ends when the program is told to stop: by Ctrl-C, SIGTERM or SIGHUP, or when the parent is
// gone or was interrupted. The signals stay caught until the end: a second Ctrl-C does not cut the stop short.
func UntilTold() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		// The promise holds for as long as this thread lives.
		runtime.LockOSThread()
		unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
		select {}
	}()
	parent := os.Getppid()
	if !catchesInterrupt(parent) {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for catchesInterrupt(parent) && ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond)
		}
		cancel()
	}()
	return ctx
}

// catchesInterrupt tells whether a process has a handler for SIGINT.
func catchesInterrupt(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(status) {
		if hex, ok := bytes.CutPrefix(line, []byte("SigCgt:")); ok {
			caught, err := strconv.ParseUint(string(bytes.TrimSpace(hex)), 16, 64)
			return err == nil && caught&(1<<(syscall.SIGINT-1)) != 0
		}
	}
	return false
}

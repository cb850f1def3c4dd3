package e2e

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBench checks that every part of `make bench` measures something. It does not judge how fast anything is.
func TestBench(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "make", "-C", "..", "bench", "QUICK=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "took ") < 8 || strings.Contains(string(out), "NaN") || strings.Contains(string(out), "Inf") {
		t.Errorf("%v\n%s", err, out)
	}
}

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An interrupted or killed trial leaves no program running, fails, and does not claim a result.
func TestProofStopped(t *testing.T) {
	t.Parallel()
	r := &terminal{t: t, dir: checkout(t), port: freePort(t)}
	for _, c := range []struct {
		name string
		stop func()
	}{
		{"Ctrl-C", r.interrupt},
		{"kill -9", func() {
			for pid, program := range programsOf(r.dir) {
				if filepath.Base(program) == "proof" {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			if err := <-r.done; err == nil {
				t.Error("a killed trial exits with 0")
			}
			r.making = nil
		}},
	} {
		out := r.begin("exec make proof ORDERS=100000 MINUTES=60")
		eventually(t, "the trial is in progress", 10*time.Minute, func() bool { return strings.Contains(out.String(), " in the log") })
		if n := len(programsOf(r.dir)); n < 10 {
			t.Errorf("%s: found only %d programs of the trial", c.name, n)
		}
		c.stop()
		eventually(t, "no program is left after "+c.name, time.Minute, func() bool { return len(programsOf(r.dir)) == 0 })
		if c.name == "Ctrl-C" && !strings.Contains(out.String(), "nothing was proved") {
			t.Errorf("the output does not say that nothing was proved:\n%s", out)
		}
	}
}

// programsOf returns the running programs that lie in a folder, run in it or have it in their arguments, by process id.
func programsOf(dir string) map[int]string {
	found := map[int]string{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range all {
		program, _ := os.Readlink(proc + "/exe")
		command, _ := os.ReadFile(proc + "/cmdline")
		at, _ := os.Readlink(proc + "/cwd")
		if strings.HasPrefix(program, dir) || bytes.Contains(command, []byte(dir)) || strings.HasPrefix(at, dir) {
			pid, _ := strconv.Atoi(filepath.Base(proc))
			found[pid] = program
		}
	}
	return found
}

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

// A trial that is stopped in the middle, by Ctrl-C or by kill -9, leaves no program behind, and its exit says that nothing was proved.
func TestProofStopped(t *testing.T) {
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
				t.Error("a killed trial ends with 0")
			}
			r.making = nil
		}},
	} {
		out := r.begin("exec make proof ORDERS=100000 MINUTES=60")
		eventually(t, "writers write", 10*time.Minute, func() bool { return strings.Contains(out.String(), " in the log") })
		if n := len(programsOf(r.dir)); n < 10 {
			t.Errorf("%s: only %d programs are found while it runs", c.name, n)
		}
		c.stop()
		eventually(t, "all programs have ended after "+c.name, time.Minute, func() bool { return len(programsOf(r.dir)) == 0 })
		if c.name == "Ctrl-C" && !strings.Contains(out.String(), "nothing was proved") {
			t.Errorf("it says\n%s", out)
		}
	}
}

// programsOf are the running programs that have anything to do with a folder, by process id.
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

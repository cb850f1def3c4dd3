package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"msatom/tools/system"
)

// Children get a signal when the thread that started them ends, so the main goroutine, which starts them all, stays on its thread.
func init() { runtime.LockOSThread() }

// process is a service or a yardstick that a part has started.
type process struct {
	cmd      *exec.Cmd
	name     string
	addr     string // host:port
	database string // URL; empty for a yardstick
}

func (p *process) url() string { return "http://" + p.addr }

// order starts the order service with a new database.
func (b *bench) order(env ...string) *process { return b.service("order", b.database(), env...) }

// service starts a service and waits until it is ready. program is the name of a service of this checkout, or the path of
// another checkout's. ADDR in env replaces the free address that it gets otherwise.
func (b *bench) service(program, database string, env ...string) *process {
	addr := freeAddr()
	for _, v := range env {
		if own, ok := strings.CutPrefix(v, "ADDR="); ok {
			addr = own
		}
	}
	if filepath.Base(program) == program {
		program = filepath.Join(b.bin, program)
	}
	cmd := exec.Command(program)
	p := &process{cmd: cmd, name: filepath.Base(program), addr: addr, database: database}
	cmd.Env = append([]string{"ADDR=" + addr, "INSTANCE=" + p.name, "DATABASE_URL=" + database, "LOG_LEVEL=error"}, env...)
	if b.profiles != "" {
		cmd.Env = append(cmd.Env, "PROFILE=true")
	}
	cmd.Stdout = os.Stderr
	launch(cmd)
	b.answers(p.url() + "/readyz")
	if b.profiles != "" {
		go b.profile(p, filepath.Join(b.profiles, b.part))
	}
	return p
}

// launch starts a program that does not outlive this one.
func launch(cmd *exec.Cmd) {
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	check(cmd.Start())
}

// build builds services of a checkout into a folder.
func (b *bench) build(checkout, folder string, services ...string) {
	cmd := exec.CommandContext(b.ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", folder+"/")
	for _, name := range services {
		cmd.Args = append(cmd.Args, "./"+name)
	}
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		check(fmt.Errorf("building %s: %w\n%s", checkout, err, out))
	}
}

// profile writes one CPU profile after the other, five seconds each, until the service ends. The second at which a profile begins
// is in its name, as in the lines that say prints.
func (b *bench) profile(p *process, dir string) {
	for {
		began := time.Since(b.began).Seconds()
		status, body, err := get(b.ctx, p.url()+"/debug/pprof/profile?seconds=5")
		if err != nil || status != http.StatusOK {
			return
		}
		if err = os.MkdirAll(dir, 0o755); err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%04.0fs.pprof", p.name, p.cmd.Process.Pid, began)), body, 0o644)
		}
		if err != nil {
			b.say("profile: %v", err)
			return
		}
	}
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(15*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
}

// memory returns a value of /proc/pid/status in MB (10^6 bytes): VmRSS is what the process has resident, VmHWM the most it had.
func (p *process) memory(what string) float64 {
	var kB float64
	_, err := fmt.Sscanf(field(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), what), "%f kB", &kB)
	check(err)
	return kB * 1024 / 1e6
}

// caughtUp waits until a consumer has processed a position, by its state page. Each look costs the consumer some statements.
func (b *bench) caughtUp(p *process, position int) {
	b.wait(fmt.Sprintf("%s at position %d", p.name, position), 50*time.Millisecond, func() bool {
		var state struct{ Position int }
		check(json.Unmarshal(b.read(p.url()+"/"+p.name+"/state", "Accept", "application/json"), &state))
		return state.Position >= position
	})
}

// metric returns the value of the service's first metric whose name starts with prefix.
func (b *bench) metric(p *process, prefix string) float64 {
	for line := range strings.Lines(string(b.read(p.url() + "/metrics"))) {
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasPrefix(fields[0], prefix) {
			return must(strconv.ParseFloat(fields[1], 64))
		}
	}
	check(fmt.Errorf("%s has no metric %s", p.name, prefix))
	return 0
}

// read returns what is at url, which must answer 200.
func (b *bench) read(url string, header ...string) []byte {
	status, body, err := get(b.ctx, url, header...)
	if err != nil || status != http.StatusOK {
		check(fmt.Errorf("%s: status %d, %w", url, status, err))
	}
	return body
}

// get reads url. header alternates names and values.
func get(ctx context.Context, url string, header ...string) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// answers waits until url answers 200.
func (b *bench) answers(url string) {
	b.wait(url, time.Millisecond, func() bool {
		status, _, err := get(b.ctx, url)
		return err == nil && status == http.StatusOK
	})
}

// freeAddr returns an address that no other process is likely to take before it is used.
func freeAddr() string {
	l := must(net.Listen("tcp", net.JoinHostPort(system.Loopback(), "0")))
	defer l.Close()
	return l.Addr().String()
}

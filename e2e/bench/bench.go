package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
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

	"github.com/jackc/pgx/v5"

	"msatom/e2e/system"
)

// part is one part of the benchmark.
type part struct {
	name  string // for ONLY
	title string
	text  string // what is measured, and how
	run   func(context.Context, *bench) error
}

// bench is a run of the benchmark: a Postgres as `make run` has it, the services' programs, and what came out so far. fsync and
// synchronous_commit are on, as they are by default.
type bench struct {
	quick    bool
	began    time.Time
	root     string
	dir      string
	system   *system.System
	machine  machine
	sections []*section
	number   int   // of databases made
	placed   int   // orders by the last look at cold documents
	failed   error // of explanations
}

func start(ctx context.Context, quick bool) (*bench, error) {
	root, err := system.FindRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "msatom-bench")
	if err != nil {
		return nil, err
	}
	b := &bench{quick: quick, began: time.Now(), root: root, dir: dir}
	// Postgres must reach its data.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	b.progress("building and starting the system")
	if b.system, err = system.Start(ctx, system.Config{Root: root, Dir: filepath.Join(dir, "system"), Postgres: []string{"shared_preload_libraries=pg_stat_statements"}}); err != nil {
		b.stop()
		return nil, err
	}
	// Only its Postgres is used: each part starts the services that it measures.
	b.system.Apache().Down()
	for _, i := range b.system.Instances("") {
		i.Down()
	}
	if b.machine, err = b.describe(ctx); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

func (b *bench) stop() {
	if b.system != nil {
		if err := b.system.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	os.RemoveAll(b.dir)
}

func (b *bench) run(ctx context.Context, p part) error {
	began := time.Now()
	b.sections = append(b.sections, &section{part: p})
	err := errors.Join(p.run(ctx, b), b.failed)
	b.say("part %s took %v", p.name, time.Since(began).Round(time.Second))
	return err
}

// progress says what is being done, in place of what it said before.
func (b *bench) progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\033[K%4.0fs  %s", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
	}
}

// say says what stays on the screen.
func (b *bench) say(format string, args ...any) {
	b.progress("")
	fmt.Fprintf(os.Stderr, "\r%4.0fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// database makes an empty one and returns its address.
func (b *bench) database(ctx context.Context) (string, error) {
	c, err := pgx.Connect(ctx, b.system.DatabaseURL("postgres"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	b.number++
	name := fmt.Sprintf("bench%d", b.number)
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return strings.Replace(b.system.DatabaseURL("postgres"), "/msatom?", "/"+name+"?", 1), nil
}

// sql runs statements in a database, one after the other.
func (b *bench) sql(ctx context.Context, database string, statements ...string) error {
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return fmt.Errorf("%w in %.80s", err, s)
		}
	}
	return nil
}

// init keeps the main goroutine, which starts all programs, on its thread: they end when that does.
func init() { runtime.LockOSThread() }

// process is a program that a part has started.
type process struct {
	cmd  *exec.Cmd
	addr string
}

func (p *process) url() string { return "http://" + p.addr }

func (p *process) pid() int { return p.cmd.Process.Pid }

// processor is how much processor time the program has used.
func (p *process) processor() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid()))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks time.Duration // of 10 ms: proc_pid_stat(5), utime and stime
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	killed := time.AfterFunc(15*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer killed.Stop()
	_ = p.cmd.Wait()
}

// service starts a service with a database, logging little, and waits until it is ready. Its address can be given in env.
func (b *bench) service(ctx context.Context, name, database string, env ...string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	for _, v := range env {
		if own, ok := strings.CutPrefix(v, "ADDR="); ok {
			addr = own
		}
	}
	cmd := exec.Command(filepath.Join(b.dir, "system", "bin", name))
	cmd.Env = append([]string{"ADDR=" + addr, "INSTANCE=" + name, "DATABASE_URL=" + database, "LOG_LEVEL=error", "PROFILE=true"}, env...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, addr: addr}
	if err := p.waitReady(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// waitReady waits until the service says that it is.
func (p *process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		status, _, err := get(ctx, p.url()+"/readyz")
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: status %d, %w", p.cmd.Path, status, cmp.Or(err, ctx.Err()))
		case <-time.After(time.Millisecond):
		}
	}
}

// waitMetric waits until one of the service's metrics has reached a value.
func (p *process) waitMetric(ctx context.Context, name string, value float64) error {
	for {
		_, text, err := get(ctx, p.url()+"/metrics")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
				if v, err := strconv.ParseFloat(n, 64); err == nil && v >= value {
					return nil
				}
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// get reads what is at an address. header is name, value, name, value, ...
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

// freeAddr is an address that no other process takes before it is used.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(system.Loopback(), "0"))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// rounds and length are what alternateFor is given, less where it is only to be seen that it works.
func (b *bench) rounds(n int) int {
	if b.quick {
		return 1
	}
	return n
}

func (b *bench) length(d time.Duration) time.Duration {
	if b.quick {
		return 50 * time.Millisecond
	}
	return d
}

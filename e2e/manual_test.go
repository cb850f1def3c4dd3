package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The manuals are executed: each command block in HOW-TO-RUN.md and docs/*.md runs in a fresh copy of the repository, and its output must
// match the text block after it. File blocks are written to disk.

// step is a block of commands with its expected output, or a file.
type step struct {
	line     int
	commands string
	docker   bool
	prints   string
	file     string // the path of a file, whose content is in commands
}

// manual returns the steps of a manual: blocks ```sh or ```sh docker, each with the ```text after it, and files, as ```go path/of/it.go.
func manual(t *testing.T, name string) (steps []step) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	kind, body, begin := "", []string{}, 0
	for i, l := range strings.Split(string(text), "\n") {
		info, fence := strings.CutPrefix(l, "```")
		switch {
		case fence && kind == "":
			kind, body, begin = info, nil, i+1
		case fence:
			block := strings.Join(body, "\n")
			switch kind {
			case "sh", "sh docker":
				steps = append(steps, step{line: begin, commands: block, docker: kind == "sh docker"})
			case "text":
				steps[len(steps)-1].prints = block
			default:
				_, file, ok := strings.Cut(kind, " ")
				if !ok {
					t.Fatalf("%s:%d: a block of kind %q", name, begin, kind)
				}
				steps = append(steps, step{line: begin, commands: block + "\n", file: file})
			}
			kind = ""
		default:
			body = append(body, l)
		}
	}
	return steps
}

func TestManual(t *testing.T)            { t.Parallel(); follow(t, "HOW-TO-RUN.md", false) }
func TestManualFeed(t *testing.T)        { t.Parallel(); follow(t, "docs/feed.md", false) }
func TestManualDelivery(t *testing.T)    { t.Parallel(); follow(t, "docs/delivery.md", false) }
func TestManualExperiments(t *testing.T) { t.Parallel(); follow(t, "docs/experiments.md", false) }
func TestManualLessons(t *testing.T)     { t.Parallel(); follow(t, "docs/lessons.md", false) }
func TestManualService(t *testing.T)     { t.Parallel(); follow(t, "docs/adding-a-service.md", false) }
func TestManualDocker(t *testing.T)      { t.Parallel(); follow(t, "HOW-TO-RUN.md", true) }

func follow(t *testing.T, name string, docker bool) {
	r := &terminal{t: t, dir: checkout(t), port: freePort(t)}
	defer r.interrupt()
	if docker {
		needDocker(t)
		defer r.run(removeAll)
	}
	if ran := r.follow(name, docker); ran < 3 {
		t.Errorf("only %d blocks were run", ran)
	}
}

// follow performs the steps of a manual, either those with Docker or those without, and returns their number.
func (r *terminal) follow(name string, docker bool) (ran int) {
	r.t.Helper()
	for _, s := range manual(r.t, "../"+name) {
		if s.docker != docker {
			continue
		}
		ran++
		var got string
		switch {
		case s.file != "":
			if err := os.WriteFile(filepath.Join(r.dir, s.file), []byte(s.commands), 0o644); err != nil {
				r.t.Fatal(err)
			}
		case strings.HasPrefix(s.commands, "make run"):
			got = r.start(s.commands)
		case strings.HasSuffix(s.commands, "docker-compose up"):
			r.foreground(s.commands)
		default:
			got = r.run(s.commands)
		}
		want := strings.ReplaceAll(s.prints, "8080", r.port)
		if want != "" && !pattern(want).MatchString(got) {
			r.t.Fatalf("%s:%d printed\n%s\nwant\n%s", name, s.line, got, want)
		}
	}
	return ran
}

// pattern returns a pattern for text, in which ... stands for anything, and on a line of its own for any lines.
func pattern(text string) *regexp.Regexp {
	p := regexp.QuoteMeta(strings.TrimSpace(text))
	p = strings.ReplaceAll(p, `\.\.\.`+"\n", `(?s:.*)`)
	p = strings.ReplaceAll(p, `\.\.\.`, `(?s:.*?)`)
	return regexp.MustCompile(`^\s*` + p + `\s*$`)
}

// terminal runs commands in a copy of the repository, one after the other, and one program in the background, such as `make run`.
type terminal struct {
	t      *testing.T
	dir    string
	port   string
	making *exec.Cmd
	done   chan error
}

func (r *terminal) command(ctx context.Context, script string) *exec.Cmd {
	c := exec.CommandContext(ctx, "bash", "-ec", strings.ReplaceAll(script, "8080", r.port))
	c.Dir = r.dir
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MAKE") && !strings.HasPrefix(e, "MFLAGS") { // set by the make that runs these tests
			c.Env = append(c.Env, e)
		}
	}
	c.Env = append(c.Env, "PORT="+r.port, "COMPOSE_PROJECT_NAME="+project)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Minute
	return c
}

func (r *terminal) run(script string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	var out, said bytes.Buffer
	c := r.command(ctx, script)
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		r.t.Fatalf("%s: %v\n%s\n%s", script, err, out.String(), said.String())
	}
	return out.String()
}

// foreground runs a command that stays in the foreground, waits until the system serves, and interrupts it.
func (r *terminal) foreground(script string) {
	r.t.Helper()
	out := r.begin(strings.Replace(script, "docker-compose up", "exec docker-compose up", 1))
	s := visit(r.t, "http://localhost:"+r.port)
	eventually(r.t, script+" shows logs and serves orders", 5*time.Minute, func() bool {
		return strings.Contains(out.String(), "Attaching to") && s.exists("/order/") && s.exists("/invoicing/")
	})
	r.interrupt()
}

// begin starts a script in the background and keeps its output. It interrupts an earlier one.
func (r *terminal) begin(script string) *lines {
	r.t.Helper()
	r.interrupt()
	out := &lines{found: make(chan string, 1)}
	r.making, r.done = r.command(context.Background(), script), make(chan error, 1)
	r.making.Stdout, r.making.Stderr = out, out
	if err := r.making.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func(c *exec.Cmd, done chan<- error) { done <- c.Wait() }(r.making, r.done)
	return out
}

// start runs `make run` and returns its line "ready: ...".
func (r *terminal) start(script string) string {
	r.t.Helper()
	out := r.begin("exec " + script)
	select {
	case line := <-out.found:
		return line
	case err := <-r.done:
		r.done <- err
		r.t.Fatalf("%s ended: %v\n%s", script, err, out)
	case <-time.After(10 * time.Minute):
		r.t.Fatalf("%s is not ready\n%s", script, out)
	}
	return ""
}

// interrupt sends SIGINT to the process group of the program in the background, as Ctrl-C does. The program must end and free its port.
func (r *terminal) interrupt() {
	if r.making == nil {
		return
	}
	if err := syscall.Kill(-r.making.Process.Pid, syscall.SIGINT); err != nil {
		r.t.Error(err)
	}
	select {
	case <-r.done:
	case <-time.After(5 * time.Minute):
		r.t.Error("the program does not end after Ctrl-C")
		_ = syscall.Kill(-r.making.Process.Pid, syscall.SIGKILL)
	}
	eventually(r.t, "the port is free after Ctrl-C", patience, func() bool {
		l, err := net.Listen("tcp", "127.0.0.1:"+r.port)
		if err == nil {
			l.Close()
		}
		return err == nil
	})
	r.making = nil
}

// lines keeps what is written to it and sends the line "ready: ..." to found.
type lines struct {
	mu    sync.Mutex
	all   bytes.Buffer
	found chan string
}

var ready = regexp.MustCompile(`(?m)^ready: .*$`)

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Write(b)
	if line := ready.Find(l.all.Bytes()); line != nil {
		select {
		case l.found <- string(line):
		default:
		}
	}
	return len(b), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// checkout copies the repository like git clone, including changes that are not committed.
func checkout(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "msatom")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("bash", "-ec", fmt.Sprintf(`cd .. && git -c safe.directory='*' ls-files -zco --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%%s\0' "$f"; done | tar --null -T - -c | tar -x -C %q`, dir))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// given holds the ports that freePort has returned.
var given sync.Map

// freePort returns a free port below 20000. It stays free until it is used, which may be minutes later: supervised systems use ports above
// 20000, and outgoing connections higher ones still.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		port := fmt.Sprint(10000 + rand.IntN(10000))
		if _, twice := given.LoadOrStore(port, true); twice {
			continue
		}
		l, err := net.Listen("tcp", ":"+port)
		if err == nil {
			l.Close()
			return port
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
}

package system

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	restartPause = time.Second
	stopPatience = 10 * time.Second
)

// Program is a supervised child process: an instance of a service, Postgres or Apache. If it ends without being asked to, it is
// started again a second later.
type Program struct {
	name        string
	path        string
	args        []string
	port        net.Listener // holds the port until the program starts for the first time
	who         account
	stopSignal  syscall.Signal         // asks the process to stop
	deathSignal syscall.Signal         // what it receives when the supervisor dies
	drop        func(line string) bool // reports whether a line of its output is not worth showing
	out         *output

	life        sync.Mutex // held by Up and Down, and guards stop
	stop        context.CancelFunc
	supervising sync.WaitGroup

	mu      sync.Mutex
	env     []string
	process *os.Process // nil while no process runs
}

// Name returns the program's name. An instance sends it as X-Instance.
func (p *Program) Name() string { return p.name }

// Pid returns the process id, or 0 while no process runs.
func (p *Program) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return 0
	}
	return p.process.Pid
}

// Setenv sets a variable in the environment of the program, from its next start on.
func (p *Program) Setenv(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.env = append(p.env, name+"="+value)
}

// Kill ends the process like kill -9. It is started again a second later.
func (p *Program) Kill() error { return p.signal(syscall.SIGKILL, false) }

// Freeze suspends the process and its children.
func (p *Program) Freeze() error { return p.signal(syscall.SIGSTOP, true) }

// Thaw resumes them.
func (p *Program) Thaw() error { return p.signal(syscall.SIGCONT, true) }

func (p *Program) signal(sig syscall.Signal, group bool) error {
	pid := p.Pid()
	if pid == 0 {
		return fmt.Errorf("%s is not running", p.name)
	}
	if group {
		pid = -pid
	}
	return syscall.Kill(pid, sig)
}

// Up starts the program and supervises it until Down. It does nothing if the program is up.
func (p *Program) Up() error {
	p.life.Lock()
	defer p.life.Unlock()
	if p.stop != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd, err := p.start(ctx)
	if err != nil {
		cancel()
		return err
	}
	p.stop = cancel
	p.supervising.Go(func() { p.supervise(ctx, cmd) })
	return nil
}

// Down stops the program, and it stays down. A process that takes longer than ten seconds is killed.
func (p *Program) Down() {
	p.life.Lock()
	defer p.life.Unlock()
	if p.stop == nil {
		return
	}
	p.stop()
	p.supervising.Wait()
	p.stop = nil
}

// Restart stops the program and starts it again.
func (p *Program) Restart() error {
	p.Down()
	return p.Up()
}

func (p *Program) supervise(ctx context.Context, cmd *exec.Cmd) {
	for failing := false; cmd != nil; cmd = p.startAgain(ctx) {
		began := time.Now()
		how := p.wait(cmd)
		if ctx.Err() != nil {
			if how == "signal: killed" {
				p.out.line(p.name, fmt.Sprintf("did not stop within %v and was killed", stopPatience))
			}
			return
		}
		// A program that cannot start logs the reason itself, every time.
		if !failing || time.Since(began) > 5*time.Second {
			p.out.line(p.name, fmt.Sprintf("ended unexpectedly (%s), starting it again", how))
		}
		failing = true
	}
}

// startAgain starts the process after a pause, and tries until it succeeds. It returns nil when ctx ends.
func (p *Program) startAgain(ctx context.Context) *exec.Cmd {
	for pause(ctx, restartPause) == nil {
		cmd, err := p.start(ctx)
		if err == nil {
			return cmd
		}
		p.out.line(p.name, err.Error())
	}
	return nil
}

// start starts the process. When ctx ends, the process is asked to stop, even if it is frozen, and killed if it does not.
func (p *Program) start(ctx context.Context) (*exec.Cmd, error) {
	p.port.Close()
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Cancel = func() error {
		return errors.Join(cmd.Process.Signal(p.stopSignal), syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT))
	}
	cmd.WaitDelay = stopPatience
	p.mu.Lock()
	cmd.Env = slices.Clone(p.env)
	p.mu.Unlock()
	output, err := launch(cmd, p.who, p.deathSignal)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go p.out.copy(p.name, output, p.drop)
	p.mu.Lock()
	p.process = cmd.Process
	p.mu.Unlock()
	return cmd, nil
}

// wait waits until the process ends, kills what is left of its group, and returns how the process ended.
func (p *Program) wait(cmd *exec.Cmd) string {
	_ = cmd.Wait()
	p.mu.Lock()
	p.process = nil
	p.mu.Unlock()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return cmd.ProcessState.String()
}

// launch starts cmd in a process group of its own, as who. The child receives deathSignal when the supervisor dies. Its output
// is read from the returned file, which ends when the last process that can write to it has ended.
func launch(cmd *exec.Cmd, who account, deathSignal syscall.Signal) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: deathSignal}
	if who.switched {
		attr.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
		attr.AmbientCaps = who.caps
		// Apache opens its standard output again by name, which only the owner of the pipe may do.
		if err := w.Chown(int(who.uid), int(who.gid)); err != nil {
			r.Close()
			return nil, err
		}
	}
	cmd.Dir = "/" // open to every account: capabilities apply only once the program runs
	cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = attr, w, w
	if err := onLauncher(cmd.Start); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// onLauncher calls start on the one thread that starts all children and never ends. Linux sends the death signal when the thread
// that started the child ends, even if the process lives on.
func onLauncher(start func() error) error {
	done := make(chan error)
	launcher() <- func() { done <- start() }
	return <-done
}

var launcher = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range starts {
			start()
		}
	}()
	return starts
})

package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A program that ends without having been asked to is logged and started again a second later, for as long as it is wanted.

const (
	restartPause = time.Second
	stopPatience = 10 * time.Second
)

// Program is one supervised child: a service's instance, Postgres or Apache.
type Program struct {
	name       string
	command    func() *exec.Cmd
	who        account
	stopSignal syscall.Signal
	lastSignal syscall.Signal         // when the supervisor has died
	drop       func(line string) bool // lines that nobody needs to see
	out        *output

	mu      sync.Mutex
	process *os.Process // nil while none runs; its pid is ours for as long as it stands here

	life    sync.Mutex // one Up or Down at a time
	stop    context.CancelFunc
	stopped chan struct{}
}

// Name returns the name, which for an instance is also what it shows as X-Instance.
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

// Kill ends the process as kill -9 does. It is started again a second later.
func (p *Program) Kill() error { return p.signal(syscall.SIGKILL, false) }

// Freeze stops the process and its children where they stand, as SIGSTOP does.
func (p *Program) Freeze() error { return p.signal(syscall.SIGSTOP, true) }

// Thaw lets them go on.
func (p *Program) Thaw() error { return p.signal(syscall.SIGCONT, true) }

func (p *Program) signal(sig syscall.Signal, group bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return fmt.Errorf("%s does not run", p.name)
	}
	pid := p.process.Pid
	if group {
		pid = -pid
	}
	return syscall.Kill(pid, sig)
}

// Up starts the program and looks after it until Down. It does nothing if the program is up.
func (p *Program) Up() error {
	p.life.Lock()
	defer p.life.Unlock()
	if p.stop != nil {
		return nil
	}
	cmd, err := p.start()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	p.stop, p.stopped = cancel, stopped
	go func() {
		defer close(stopped)
		p.supervise(ctx, cmd)
	}()
	return nil
}

// Down stops the program, and it stays down. A program that takes longer than ten seconds is killed.
func (p *Program) Down() {
	p.life.Lock()
	defer p.life.Unlock()
	if p.stop == nil {
		return
	}
	p.stop()
	<-p.stopped
	p.stop = nil
}

// Restart stops the program as Down does and starts it again.
func (p *Program) Restart() error {
	p.Down()
	return p.Up()
}

func (p *Program) start() (*exec.Cmd, error) {
	cmd := p.command()
	lines, err := launch(cmd, p.who, p.lastSignal)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go p.out.copy(p.name, lines, p.drop)
	p.mu.Lock()
	p.process = cmd.Process
	p.mu.Unlock()
	return cmd, nil
}

func (p *Program) supervise(ctx context.Context, cmd *exec.Cmd) {
	quiet := false
	for {
		began := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- p.wait(cmd) }()
		var err error
		select {
		case err = <-ended:
		case <-ctx.Done():
			p.end(ended)
			return
		}
		// One that cannot start at all says so itself, every time.
		if time.Since(began) > 5*time.Second {
			quiet = false
		}
		if !quiet {
			p.out.line(p.name, fmt.Sprintf("ended unexpectedly (%v), is started again", err))
		}
		quiet = true
		for {
			select {
			case <-time.After(restartPause):
			case <-ctx.Done():
				return
			}
			if cmd, err = p.start(); err == nil {
				break
			}
			p.out.line(p.name, err.Error())
		}
	}
}

// wait waits for the end of the process and ends what is left of its group before its pid may be given to others.
func (p *Program) wait(cmd *exec.Cmd) error {
	pid := cmd.Process.Pid
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	p.mu.Lock()
	p.process = nil
	p.mu.Unlock()
	syscall.Kill(-pid, syscall.SIGKILL)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

// end asks the process to stop, also a frozen one, and kills it when it does not.
func (p *Program) end(ended <-chan error) {
	p.signal(p.stopSignal, false)
	p.signal(syscall.SIGCONT, true)
	select {
	case <-ended:
		return
	case <-time.After(stopPatience):
	}
	p.out.line(p.name, fmt.Sprintf("did not stop within %v, is killed", stopPatience))
	p.signal(syscall.SIGKILL, true)
	<-ended
}

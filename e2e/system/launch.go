package system

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// A child must not outlive the supervisor, not even one that is ended by kill -9. Linux promises that by a signal to the
// child, but when the thread ends that started it, not the process. So one thread starts all children, and never ends.

var launcher = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// launch starts cmd in a process group of its own, as who; lastSignal is what it gets when the supervisor has died.
// What it says can be read from the reader, which ends when the last process that can write to it has ended.
func launch(cmd *exec.Cmd, who account, lastSignal syscall.Signal) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: lastSignal}
	if who.switched {
		attr.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
		attr.AmbientCaps = who.caps
		// Apache opens its standard output again by name, which only the owner of the pipe may do.
		if err := w.Chown(int(who.uid), int(who.gid)); err != nil {
			r.Close()
			return nil, err
		}
	}
	cmd.Dir = "/" // open to everybody: a capability counts in the program, not yet on the way to it
	cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = attr, w, w
	started := make(chan error)
	launcher() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

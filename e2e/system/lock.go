package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// One directory, one running system. The lock says who holds it, and ends with its holder however that ends; its text is
// wiped only by a clean stop, so text in a lock that nobody holds means that the last holder was killed.

type lock struct{ file *os.File }

// acquire locks dir; unclean tells that the last holder had no time to stop what it had started.
func acquire(dir string) (l *lock, unclean bool, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, fmt.Errorf("the system's directory cannot be used (started there by another user?): %w", err)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		file.Close()
		return nil, false, err
	}
	holder := strings.TrimSpace(string(text))
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, fmt.Errorf("a system runs in %s already: %s", dir, holder)
		}
		return nil, false, err
	}
	return &lock{file}, holder != "", nil
}

// sign writes who holds the lock.
func (l *lock) sign(port int) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt(fmt.Appendf(nil, "process %d at http://localhost:%d/\n", os.Getpid(), port), 0)
	return err
}

// release gives the lock back after a clean stop.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

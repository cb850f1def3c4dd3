package system

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock allows one running system per directory. The kernel releases it when its holder ends, however that happens. The file's text
// names the holder; only a clean stop empties it, so text in a lock that nobody holds means that the last holder was killed.
type lock struct{ file *os.File }

// acquire locks dir. killed reports whether the last holder had no time to stop its programs.
func acquire(dir string) (l *lock, killed bool, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, fmt.Errorf("cannot use the directory of the system (did another user start it there?): %w", err)
	}
	text, err := os.ReadFile(file.Name())
	if err == nil {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	holder := strings.TrimSpace(string(text))
	if err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("a system is already running in %s: %s", dir, holder)
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

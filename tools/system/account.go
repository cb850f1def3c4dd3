package system

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// account is the user that a program runs as. Postgres refuses to run as root, and Apache should not run as root, so a supervisor
// that is root starts them as another user. Any other supervisor starts everything as itself.
type account struct {
	uid, gid uint32
	switched bool      // reports whether this is another user than the supervisor's
	caps     []uintptr // capabilities the program keeps
}

// accountFor returns the first of the named users that exists if the supervisor is root, otherwise the supervisor's own account.
func accountFor(names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range names {
		if u, err := user.Lookup(name); err == nil {
			a := account{switched: true}
			_, err = fmt.Sscan(u.Uid+" "+u.Gid, &a.uid, &a.gid)
			return a, err
		}
	}
	return account{}, fmt.Errorf("none of the users %q exists on this machine", names)
}

// ownerOf returns the account that owns path, which an earlier start may have created as another user.
func ownerOf(path string) (account, error) {
	info, err := os.Stat(path)
	if err != nil {
		return account{}, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return account{uid: stat.Uid, gid: stat.Gid, switched: int(stat.Uid) != os.Geteuid()}, nil
}

// reaching returns the account with the capability to read closed files and folders if one of paths is closed. The checkout may be
// in a home directory that is closed to other users.
func (a account) reaching(paths ...string) account {
	if a.switched && slices.ContainsFunc(paths, isClosed) {
		a.caps = append(a.caps, unix.CAP_DAC_READ_SEARCH)
	}
	return a
}

// isClosed reports whether other users cannot read path, or cannot pass a folder above it.
func isClosed(path string) bool {
	for right := os.FileMode(0o004); ; right = 0o001 {
		info, err := os.Stat(path)
		if err != nil || info.Mode()&right == 0 {
			return true
		}
		if path == filepath.Dir(path) {
			return false
		}
		path = filepath.Dir(path)
	}
}

// ownDir makes path an empty directory that belongs to the account alone.
func (a account) ownDir(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

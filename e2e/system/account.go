package system

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Postgres refuses to run as root and Apache should not. Started by root they run as another user; started by anybody
// else, as that user.

// account says as whom a program runs.
type account struct {
	uid, gid uint32
	switched bool      // to another user than the supervisor's
	caps     []uintptr // capabilities that it keeps
}

// accountFor returns the first of the named users that exists if the supervisor is root, else the supervisor's own.
func accountFor(names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return account{}, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return account{}, err
		}
		return account{uid: uint32(uid), gid: uint32(gid), switched: true}, nil
	}
	return account{}, fmt.Errorf("none of the users %q exists here", names)
}

// ownerOf returns the account that owns path, for what was made by an earlier start as another user.
func ownerOf(path string) (account, error) {
	info, err := os.Stat(path)
	if err != nil {
		return account{}, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return account{uid: stat.Uid, gid: stat.Gid, switched: int(stat.Uid) != os.Geteuid()}, nil
}

// reaching returns the account, with the capability to pass closed directories if there is one on the way to a path. The
// checkout may lie in a home directory that is closed to others, and moving it out is not ours to ask.
func (a account) reaching(paths ...string) account {
	if !a.switched {
		return a
	}
	for _, path := range paths {
		if !a.canReach(path) {
			a.caps = append(a.caps, unix.CAP_DAC_OVERRIDE)
			return a
		}
	}
	return a
}

func (a account) canReach(path string) bool {
	if !a.may(path, 4) {
		return false
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if !a.may(dir, 1) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// may tells whether the mode of path gives the account a right: 4 to read, 1 to enter.
func (a account) may(path string, right uint32) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat := info.Sys().(*syscall.Stat_t)
	switch {
	case stat.Uid == a.uid:
		right <<= 6
	case stat.Gid == a.gid:
		right <<= 3
	}
	return stat.Mode&right != 0
}

// ownDir makes path an empty directory that belongs to the account alone.
func (a account) ownDir(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if !a.switched {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

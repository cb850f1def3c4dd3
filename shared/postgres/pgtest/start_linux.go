package pgtest

import (
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// directory prefers memory to disk, where there is enough of it: creating a database is several times as fast there.
func directory() string {
	const memory, enough = "/dev/shm", 2 << 30
	var s syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &s) != nil || s.Bavail*uint64(s.Bsize) < enough {
		return ""
	}
	return memory
}

// attributes makes the server a process group of its own, which Ctrl-C does not reach. The kernel ends it when the thread that
// started it ends, so it does not outlive tests that panic or are killed. Postgres refuses to run as root: there it runs as
// the user postgres, who gets the directory.
func attributes(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, uid, gid)
}

// address is made of the process id: no other process uses it, whereas a free port could be taken before Postgres opens it.
// n is the number of the server in this process.
func address(n int) (host, port string, err error) {
	pid := os.Getpid()
	return net.IPv4(127, byte(pid>>16), byte(pid>>8), byte(pid)).String(), strconv.Itoa(54328 + n), nil
}

// quit asks for an immediate shutdown: nothing in the databases is kept.
func quit(p *os.Process) { _ = p.Signal(syscall.SIGQUIT) }

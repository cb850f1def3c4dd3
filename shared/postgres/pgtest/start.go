package pgtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Start starts a Postgres server and returns its URL without a database name. stop ends the server and removes its files.
func Start() (url string, stop func(), err error) {
	h, err := newHome()
	if err != nil {
		return "", nil, err
	}
	return h.start("initdb", initdb...)
}

var initdb = []string{"-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"}

// home is where a server has its files, and how its programs run there.
type home struct {
	bin, dir, data string
	attr           *syscall.SysProcAttr
}

func newHome() (h home, err error) {
	if h.bin, err = binaries(); err != nil {
		return h, err
	}
	if h.dir, err = os.MkdirTemp(directory(), "msatom-pg-"); err != nil {
		return h, err
	}
	h.data = filepath.Join(h.dir, "data")
	runtime.LockOSThread() // see attributes
	if h.attr, err = attributes(h.dir); err != nil {
		os.RemoveAll(h.dir)
	}
	return h, err
}

// start creates the data directory with a program that takes it as -D, and starts a server on it.
func (h home) start(program string, args ...string) (url string, stop func(), err error) {
	defer func() {
		if err != nil {
			os.RemoveAll(h.dir)
		}
	}()
	create := exec.Command(filepath.Join(h.bin, program), append([]string{"-D", h.data}, args...)...)
	create.SysProcAttr, create.Dir = h.attr, h.dir
	if out, err := create.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	log, err := os.Create(filepath.Join(h.dir, "log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	host, port, err := address(int(servers.Add(1)))
	if err != nil {
		return "", nil, err
	}
	pg := exec.Command(filepath.Join(h.bin, "postgres"), "-D", h.data, "-F", "-p", port,
		"-c", "listen_addresses="+host, "-c", "unix_socket_directories=", "-c", "full_page_writes=off", "-c", "max_wal_size=256MB",
		"-c", "max_connections=1000") // parallel tests of several binaries, each with a few pools
	pg.SysProcAttr, pg.Dir, pg.Stdout, pg.Stderr = h.attr, h.dir, log, log
	if err := pg.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() { _ = pg.Wait(); close(ended) }()
	stop = func() {
		quit(pg.Process)
		<-ended
		os.RemoveAll(h.dir)
	}
	url = fmt.Sprintf("postgres://postgres@%s/", net.JoinHostPort(host, port))
	if err := answers(url, ended); err != nil {
		out, _ := os.ReadFile(log.Name())
		stop()
		return "", nil, fmt.Errorf("no answer from Postgres: %w\n%s", err, out)
	}
	return url, stop, nil
}

var servers atomic.Int64 // started by this process

// answers waits until the server accepts connections.
func answers(url string, ended <-chan struct{}) error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := execute(url, "SELECT 1")
		select {
		case <-ended:
			return errors.New("it ended")
		default:
		}
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// binaries returns the directory of the newest Postgres server that is installed.
func binaries() (string, error) {
	if debian, _ := filepath.Glob("/usr/lib/postgresql/[1-9][0-9]/bin"); len(debian) > 0 {
		return slices.Max(debian), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no Postgres server found; install PostgreSQL 13 or newer (on Debian, `make test` does)")
	}
	return filepath.Dir(path), nil
}

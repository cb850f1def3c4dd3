// Package pgtest gives tests a real Postgres: one server for a test binary, in a temporary folder, without fsync, and
// a fresh database for each test. Main starts it and takes it away again:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"msatom/shared/postgres"
)

var (
	server string // URL of the running server, without a database name
	number atomic.Int64
)

// Main runs the tests of a package with a Postgres server beside them.
func Main(m *testing.M) {
	dir, stop, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.RemoveAll(dir)
	os.Exit(code)
}

// URL makes a database for this test and returns its address. It is dropped with the server.
func URL(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", number.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, server+"postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return server + name
}

// Open is a database for this test, migrated and ready, closed when the test ends.
func Open(t testing.TB, migrations ...postgres.Migration) *postgres.DB {
	t.Helper()
	return At(t, URL(t), migrations...)
}

// At opens a second connection pool to a database made by URL, as a second instance of a service would.
func At(t testing.TB, url string, migrations ...postgres.Migration) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		db.Watch(ctx, migrations, nil, func() { close(started) })
	}()
	t.Cleanup(func() { cancel(); <-done; db.Pool.Close() })
	for {
		select {
		case <-started:
			return db
		case <-time.After(50 * time.Millisecond):
			if _, why := db.Ready(); why != "" && why != "not connected yet" {
				t.Fatal("database is not ready: ", why)
			}
		}
	}
}

// Example stands in for the test that an example does not have: what would fail the test panics, and Done does what is left for
// the test's end.
//
//	var t pgtest.Example
//	defer t.Done()
//	db := pgtest.Open(&t, feed.Migration())
type Example struct {
	testing.TB
	ends []func()
}

// Helper does nothing.
func (e *Example) Helper() {}

// Fatal panics.
func (e *Example) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// Cleanup keeps f for Done.
func (e *Example) Cleanup(f func()) { e.ends = append(e.ends, f) }

// Done calls what Cleanup was given, the last first.
func (e *Example) Done() {
	for _, f := range slices.Backward(e.ends) {
		f()
	}
}

func start() (dir string, stop func(), err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		return "", nil, fmt.Errorf("no Postgres server found; `make test` installs one")
	}
	bin := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	if dir, err = os.MkdirTemp("", "msatom-pg"); err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	// The server ends with the tests, also when they panic or are killed: when the thread that started it is gone.
	runtime.LockOSThread()
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() == 0 { // Postgres refuses to run as root
		u, err := user.Lookup("postgres")
		if err != nil {
			return "", nil, err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return "", nil, err
		}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	host := loopback(os.Getpid())
	pg := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-F", "-p", port,
		"-c", "listen_addresses="+host, "-c", "unix_socket_directories=", "-c", "max_connections=200")
	pg.SysProcAttr, pg.Dir, pg.Stdout, pg.Stderr = attr, dir, log, log
	if err := pg.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() { _ = pg.Wait(); close(ended) }()
	server = fmt.Sprintf("postgres://postgres@%s/", net.JoinHostPort(host, port))
	stop = func() {
		_ = pg.Process.Signal(syscall.SIGQUIT) // immediate shutdown: nothing in it is kept
		<-ended
	}
	for end := time.After(time.Minute); ; {
		c, err := pgx.Connect(context.Background(), server+"postgres")
		if err == nil {
			c.Close(context.Background())
			return dir, stop, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
			continue
		case <-ended:
		case <-end:
		}
		stop()
		out, _ := os.ReadFile(log.Name())
		return "", nil, fmt.Errorf("Postgres does not answer: %w\n%s", err, out)
	}
}

// port is the same for all servers: each has an address of its own.
const port = "54329"

// loopback is an address of this machine that no other running process takes for its server, as it is made of the process id:
// a port that was found free could be taken by another before Postgres has it.
func loopback(pid int) string { return net.IPv4(127, byte(pid>>16), byte(pid>>8), byte(pid)).String() }

func version(bin string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return v
}

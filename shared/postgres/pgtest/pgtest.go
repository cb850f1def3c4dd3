// Package pgtest gives each test a database of its own on a real Postgres server.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		db := pgtest.Open(t, outbox.Migration())
//
// The server runs without fsync, in a temporary directory. `make check` starts one for all test binaries (see the program in
// the directory server); a test binary that runs alone starts its own.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"msatom/shared/postgres"
)

// Variable is the environment variable that names a running server, as Start returns it.
const Variable = "PGTEST_SERVER"

var (
	server string // URL of the running server, without a database name
	number atomic.Int64
)

// Main runs the tests of a package with a Postgres server beside them, and ends the process.
func Main(m *testing.M) {
	stop := func() {}
	// Not os.Getenv: go test would see that the value differs each time, and cache no results.
	if url, found := syscall.Getenv(Variable); found {
		server = url
	} else {
		var err error
		if server, stop, err = Start(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

func newName(kind string) string { return fmt.Sprintf("%s_%d_%d", kind, os.Getpid(), number.Add(1)) }

// URL creates a database and returns its address. It is a clone of a database with the migrations; without any it is empty. All
// clones share what a migration generated, such as a random id: a test in which two databases must differ in that calls URL
// without migrations and lets At migrate. The database is dropped when the test ends.
func URL(t testing.TB, migrations ...postgres.Migration) string {
	t.Helper()
	name, template := newName("test"), "template1"
	if len(migrations) > 0 {
		var err error
		if template, err = templateOf(migrations); err != nil {
			t.Fatal(err)
		}
	}
	if err := clone(name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unused(func() error { return execute(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") }); err != nil {
			t.Errorf("dropping the database: %v", err)
		}
	})
	return server + name
}

// Open creates a database for this test and connects to it. Its schema is the result of the migrations. The pool is closed when
// the test ends.
func Open(t testing.TB, migrations ...postgres.Migration) *postgres.DB {
	t.Helper()
	return At(t, URL(t, migrations...), migrations...)
}

// At connects to a database made by URL and migrates it. Each call makes a pool of its own, like another instance of a service.
func At(t testing.TB, url string, migrations ...postgres.Migration) *postgres.DB {
	t.Helper()
	db, err := open(url, migrations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Pool.Close() })
	return db
}

func open(url string, migrations []postgres.Migration) (*postgres.DB, error) {
	db, err := postgres.Open(postgres.Config{URL: url})
	if err != nil {
		return nil, err
	}
	return db, db.Migrate(context.Background(), migrations)
}

// execute executes a statement that belongs to no database, such as CREATE DATABASE, on a server.
func execute(server, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, server+"postgres")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

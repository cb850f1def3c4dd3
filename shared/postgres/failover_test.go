package postgres_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not %s within a minute", what)
		}
	}
}

func pid(t *testing.T, db *postgres.DB) (pid int) {
	t.Helper()
	if err := db.Raw("SELECT pg_backend_pid()").Scan(&pid).Error; err != nil {
		t.Fatal(err)
	}
	return pid
}

// alter changes a setting of the database, which holds for sessions that begin later.
func alter(t *testing.T, db *postgres.DB, setting string) {
	t.Helper()
	if err := db.Exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I " + setting + "', current_database()); END $$").Error; err != nil {
		t.Fatal(err)
	}
}

// A server that accepts no writes is unavailable. Its connections are closed, so new ones find the server that has taken over. That
// includes a connection that was in use at the time.
func TestReadOnlyServerIsUnavailable(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db, admin := open(t, url), open(t, url)
	admin.Pool.SetMaxOpenConns(1) // one session, for which the old default holds
	ready := func(want bool, why string) {
		t.Helper()
		until(t, "as ready as it should be", func() bool {
			ok, got := db.Ready()
			return ok == want && strings.Contains(got, why)
		})
	}
	wait(t, watch(t, db, nil))
	ready(true, "")
	used, err := db.Pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var old int
	if err := used.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&old); err != nil {
		t.Fatal(err)
	}
	alter(t, admin, "SET default_transaction_read_only = on")
	if err := admin.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid NOT IN (?, pg_backend_pid())", old).Error; err != nil {
		t.Fatal(err)
	}
	ready(false, "read-only")
	used.Close()
	if pid(t, db) == old {
		t.Error("a connection from before the failure is used again")
	}
	alter(t, admin, "RESET default_transaction_read_only")
	ready(true, "")
}

// A write that a read-only server refuses is the last use of its connection.
func TestReadOnlyConnectionIsDropped(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.URL(t))
	db.Pool.SetMaxOpenConns(1)
	old := pid(t, db)
	if err := db.Exec("SET default_transaction_read_only = on").Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Exec("CREATE TABLE written (a int)").Error; postgres.Code(err) != "25006" {
		t.Fatalf("a write in a read-only session: %v", err)
	}
	if pid(t, db) == old {
		t.Error("its connection is used again")
	}
	if err := db.Exec("CREATE TABLE written (a int)").Error; err != nil {
		t.Error(err)
	}
}

// Nobody tells a connection that listens that its server has become read-only.
func TestListenLeavesReadOnlyServer(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.URL(t))
	alter(t, db, "SET default_transaction_read_only = on")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	connected := make(chan struct{}, 100)
	wg.Go(func() { db.Listen(ctx, "test_", func(string) { connected <- struct{}{} }) })
	next := func(what string) {
		t.Helper()
		select {
		case <-connected:
		case <-time.After(time.Minute):
			t.Fatalf("%s: not connected within a minute", what)
		}
	}
	next("first")
	next("again, because the server is read-only")
}

// A host that accepts connections but does not answer delays the search for the primary. It does not prevent it.
func TestHangingHost(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	url := strings.Replace(pgtest.URL(t), "@", "@"+l.Addr().String()+",", 1)
	wait(t, watch(t, open(t, url+"?target_session_attrs=read-write"), nil))
}

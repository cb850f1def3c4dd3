package pgtest

import (
	"sync"
	"testing"
)

// Pair starts a primary and its standby, for a test that fails over. It returns their URLs without a database name, and crash, which
// ends the primary for good. A commit on the primary returns once the standby has the transaction, so a failover loses none.
func Pair(t testing.TB) (primary, standby string, crash func()) {
	t.Helper()
	start := func(program string, args ...string) (string, func()) {
		h, err := newHome()
		if err != nil {
			t.Fatal(err)
		}
		url, stop, err := h.start(program, args...)
		if err != nil {
			t.Fatal(err)
		}
		stop = sync.OnceFunc(stop)
		t.Cleanup(stop)
		return url, stop
	}
	primary, crash = start("initdb", initdb...)
	standby, _ = start("pg_basebackup", "-R", "-c", "fast", "-d", primary+"postgres")
	for _, sql := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := execute(primary, sql); err != nil {
			t.Fatal(err)
		}
	}
	return primary, standby, crash
}

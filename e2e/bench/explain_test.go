package main

import (
	"testing"

	"github.com/google/pprof/profile"
)

// Time is that of the innermost package that does not work for others; the kernel's and the collector's are apart.
func TestSpender(t *testing.T) {
	for want, stack := range map[string][]string{
		"system calls":          {"internal/runtime/syscall/linux.Syscall6", "syscall.write", "net.(*conn).Write", "net/http.(*conn).serve"},
		"net and net/http":      {"runtime.mallocgc", "net/textproto.(*Reader).ReadLine", "net/http.(*conn).serve"},
		"jackc/pgx":             {"memeqbody", "runtime.mapaccess1_faststr", "github.com/jackc/pgx/v5/pgtype.(*Map).Encode", "database/sql.(*Tx).ExecContext"},
		"msatom/shared/feed":    {"type:.eq.struct { net/http.key string; net/http.values []string }", "slices.Sort[go.shape.int]", "msatom/shared/feed.(*Log).serve", "net/http.(*conn).serve"},
		"garbage collection":    {"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker.func2", "runtime.systemstack"},
		"goroutines and timers": {"runtime.futex", "runtime.findRunnable", "runtime.mcall"},
	} {
		var s profile.Sample
		for _, f := range stack {
			s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: f}}}})
		}
		if got := spender(&s, "goroutines and timers"); got != want {
			t.Errorf("%v is the time of %s, not %s", stack, got, want)
		}
	}
}

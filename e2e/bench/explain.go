package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
	"github.com/jackc/pgx/v5"
)

// A goal that is missed is explained in the same run: by a profile of the program whose time it is, under the same load, and by what
// Postgres says of its statements.

// explanation says where the time goes; it measures that when it is called.
type explanation func() (string, error)

// together are several explanations in one.
func together(all ...explanation) explanation {
	return func() (string, error) {
		var said []string
		var failed error
		for _, each := range all {
			text, err := each()
			said, failed = append(said, text), errors.Join(failed, err)
		}
		return strings.Join(said, " "), failed
	}
}

// spends profiles a service while it is under a load.
func (b *bench) spends(ctx context.Context, name string, p *process, load measure) explanation {
	return func() (string, error) {
		seconds := max(1, int(b.length(3*time.Second).Seconds()))
		loaded := make(chan error, 1)
		go func() {
			_, err := load(ctx, time.Duration(seconds+1)*time.Second)
			loaded <- err
		}()
		status, body, err := get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", p.url(), seconds))
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("profile of %s: status %d", name, status)
		}
		if err = errors.Join(err, <-loaded); err != nil {
			return "", err
		}
		return shares(name, body)
	}
}

// ownSpends profiles this program while it does something.
func ownSpends(do func() error) explanation {
	return func() (string, error) {
		var taken bytes.Buffer
		if err := pprof.StartCPUProfile(&taken); err != nil {
			return "", err
		}
		err := do()
		pprof.StopCPUProfile()
		if err != nil {
			return "", err
		}
		return shares("the program", taken.Bytes())
	}
}

// shares says by whose code the processor time of a profile was spent.
func shares(name string, taken []byte) (string, error) {
	time, said, err := divided(taken, "goroutines and timers")
	if err == nil && said == "" {
		return fmt.Sprintf("Of %s no sample was taken.", name), nil
	}
	return fmt.Sprintf("By a profile of %s, its processor time (%.1f s) goes to: %s.", name, time/1e9, said), err
}

// holds says whose the memory is that a service uses on its heap, once what is garbage has been collected.
func (b *bench) holds(ctx context.Context, name string, p *process) explanation {
	return func() (string, error) {
		status, body, err := get(ctx, p.url()+"/debug/pprof/heap")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("heap of %s: status %d", name, status)
		}
		if err != nil {
			return "", err
		}
		bytes, said, err := divided(body, "the runtime")
		return fmt.Sprintf("By a profile of its heap, %s then uses %s MB of it, without garbage: %s.", name, number(bytes/1e6), said), err
	}
}

// divided says whose code has which share of a profile, and how much all is: of its last kind of value, which is that of the processor's
// time or of the memory in use. The background is the runtime, where it works for nobody in particular.
func divided(taken []byte, background string) (all float64, said string, err error) {
	p, err := profile.ParseData(taken)
	if err != nil {
		return 0, "", err
	}
	value := map[string]float64{}
	for _, s := range p.Sample {
		v := float64(s.Value[len(s.Value)-1])
		value[spender(s, background)] += v
		all += v
	}
	var parts []string
	for _, who := range slices.SortedFunc(maps.Keys(value), func(a, b string) int { return cmp.Compare(value[b], value[a]) }) {
		if share := 100 * value[who] / all; share >= 2 {
			parts = append(parts, fmt.Sprintf("%s %.0f %%", who, share))
		}
	}
	return all, strings.Join(parts, ", "), nil
}

// spender is whose code a sample is of: the innermost that is not the runtime or a general package of the standard library. The time in
// the kernel is apart, and what the runtime does for nobody in particular, the background.
func spender(s *profile.Sample, background string) string {
	for i, l := range s.Location {
		for _, line := range l.Line {
			function := line.Function.Name
			switch path := packageOf(function); {
			case i == 0 && strings.HasPrefix(path, "internal/runtime/syscall"):
				return "system calls"
			case strings.HasPrefix(function, "runtime.gcBgMarkWorker"), strings.HasPrefix(function, "runtime.bgsweep"):
				background = "garbage collection"
			case !general.MatchString(path) && path != function && !strings.Contains(path, " "): // these are the compiler's
				return owner(path)
			}
		}
	}
	return background
}

// general are packages that work for others.
var general = regexp.MustCompile(`^(runtime|internal|sync|syscall|reflect|bytes|strings|strconv|unicode|slices|maps|sort|time|context|io|bufio|errors|fmt|math|hash|os|cmp|unique|iter|golang\.org/x/sync)(/|$)`)

// packageOf is the import path of a function's package: "net/http" of "net/http.(*conn).serve".
func packageOf(function string) string {
	at := strings.LastIndex(function, "/") + 1
	name, _, _ := strings.Cut(function[at:], ".")
	return function[:at] + name
}

// owner is a package, or the module that it is from, as its readers call it.
func owner(path string) string {
	switch parts := strings.Split(path, "/"); {
	case strings.HasPrefix(path, "net"), strings.HasPrefix(path, "vendor/golang.org/x/net"):
		return "net and net/http"
	case parts[0] == "compress":
		return "compress/gzip"
	case len(parts) > 2 && strings.Contains(parts[0], "."):
		return parts[1] + "/" + parts[2]
	}
	return path
}

// statements says what the statements cost that a database carries out meanwhile, by Postgres's own clock.
func (b *bench) statements(ctx context.Context, database string, do func() error) explanation {
	return func() (string, error) {
		if err := b.sql(ctx, database, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements", "SELECT pg_stat_statements_reset()"); err != nil {
			return "", err
		}
		if err := do(); err != nil {
			return "", err
		}
		c, err := pgx.Connect(ctx, database)
		if err != nil {
			return "", err
		}
		defer c.Close(ctx)
		rows, err := c.Query(ctx, `SELECT calls, mean_exec_time * 1000, regexp_replace(query, '\s+', ' ', 'g') FROM pg_stat_statements
			WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 1 ORDER BY total_exec_time DESC LIMIT 6`)
		if err != nil {
			return "", err
		}
		defer rows.Close()
		var said []string
		for rows.Next() {
			var calls int64
			var µs float64
			var query string
			if err := rows.Scan(&calls, &µs, &query); err != nil {
				return "", err
			}
			said = append(said, fmt.Sprintf("%s times %s µs for `%.60s`", thousands(calls), number(µs), query))
		}
		return "Postgres, without commits: " + strings.Join(said, ", ") + ".", rows.Err()
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"msatom/tools/system"
)

// bench is one run: a Postgres as in `make run`, with fsync and synchronous_commit on, the services' programs, and the results so far.
type bench struct {
	ctx       context.Context // ends when the run is interrupted
	quick     bool
	profiles  string // folder for CPU profiles, or empty
	began     time.Time
	root      string // of the repository
	dir       string // temporary
	bin       string // folder of the services' programs
	system    *system.System
	part      string // running now
	rows      []row
	plots     []figure
	databases int // created so far
}

func start(ctx context.Context, quick bool) (*bench, error) {
	root, err := system.FindRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "msatom-bench")
	if err != nil {
		return nil, err
	}
	b := &bench{ctx: ctx, quick: quick, profiles: os.Getenv("PROFILE"), began: time.Now(), root: root, dir: dir, bin: filepath.Join(dir, "system", "bin")}
	// Postgres runs as another user and must reach its data.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	// To a service, PROFILE is true or false.
	if err := os.Unsetenv("PROFILE"); err != nil {
		return nil, err
	}
	b.progress("building and starting the system")
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if b.system, err = system.Start(ctx, system.Config{Root: root, Dir: filepath.Join(dir, "system")}); err != nil {
		b.stop()
		return nil, err
	}
	// From here on only its Postgres runs: each part starts the services that it measures.
	b.system.Apache().Down()
	for _, i := range b.system.Instances("") {
		i.Down()
	}
	return b, nil
}

func (b *bench) stop() {
	if b.system != nil {
		if err := b.system.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	os.RemoveAll(b.dir)
}

// run runs a part. Like a test, a part has no result but its figures: check and must end it when something fails.
func (b *bench) run(p part) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = fmt.Errorf("%s: %w", p.name, r.error)
		default:
			panic(r)
		}
	}()
	began := time.Now()
	b.part = p.name
	p.run(b)
	b.say("part %s took %v", p.name, time.Since(began).Round(time.Second))
	return nil
}

// failure is what check panics with. It is recovered in run.
type failure struct{ error }

// check ends the running part if err is not nil. Only the goroutine that runs the part may call it, like testing's Fatal.
func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// must returns v, or ends the running part as check does.
func must[T any](v T, err error) T {
	check(err)
	return v
}

// progress shows on a terminal what is going on, in place of the previous progress.
func (b *bench) progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\033[K%4.0fs  %s", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
	}
}

// say prints a line that stays.
func (b *bench) say(format string, args ...any) {
	b.progress("")
	fmt.Fprintf(os.Stderr, "\r%4.0fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// database creates an empty database and returns its URL.
func (b *bench) database() string {
	b.databases++
	name := fmt.Sprintf("bench%d", b.databases)
	admin := b.system.DatabaseURL("postgres")
	b.sql(admin, "CREATE DATABASE "+name)
	return strings.Replace(admin, "/msatom?", "/"+name+"?", 1)
}

// connect opens a connection to a database, which the caller closes.
func (b *bench) connect(database string) *pgx.Conn { return must(pgx.Connect(b.ctx, database)) }

// sql runs statements in a database, each on its own.
func (b *bench) sql(database string, statements ...string) {
	c := b.connect(database)
	defer c.Close(b.ctx)
	for _, s := range statements {
		if _, err := c.Exec(b.ctx, s); err != nil {
			check(fmt.Errorf("%w in %.80s", err, s))
		}
	}
}

// query returns the only column of a query's result.
func query[T any](b *bench, database, statement string, args ...any) []T {
	c := b.connect(database)
	defer c.Close(b.ctx)
	rows, _ := c.Query(b.ctx, statement, args...)
	return must(pgx.CollectRows(rows, pgx.RowTo[T]))
}

// wait calls done at intervals until it reports true, for at most three minutes.
func (b *bench) wait(what string, interval time.Duration, done func() bool) {
	for end := time.Now().Add(3 * time.Minute); !done(); time.Sleep(interval) {
		check(b.ctx.Err())
		if time.Now().After(end) {
			check(fmt.Errorf("%s: not within three minutes", what))
		}
	}
}

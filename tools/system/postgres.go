package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is the installed Postgres with its data in the directory of the system. It listens on a loopback address only, has no
// Unix socket, and admits nobody without a password.
type postgres struct {
	*Program
	bin       string // the folder of its programs
	port      int
	passwords map[string]string // by role
}

const (
	database  = "msatom"
	superuser = "postgres"
)

var postgresEnv = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}

// startPostgres creates the database if there is none, starts the server, and gives every service its role.
func (s *System) startPostgres(ctx context.Context, passwords map[string]string) error {
	data := s.path("pg")
	bin, err := postgresBin(data)
	if err != nil {
		return err
	}
	who, err := accountFor("postgres", "nobody")
	if err != nil {
		return err
	}
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := initdb(ctx, bin, data, who, passwords[superuser]); err != nil {
			return fmt.Errorf("creating the database: %w", err)
		}
	} else if who, err = ownerOf(data); err != nil {
		return err
	}
	if err := awaitOrphan(ctx, data); err != nil {
		return err
	}
	reserved, err := reserve()
	if err != nil {
		return err
	}
	args := []string{"-D", data}
	for _, setting := range slices.Concat([]string{"listen_addresses=" + Loopback(), "port=" + strconv.Itoa(portOf(reserved)),
		"unix_socket_directories=", "max_connections=500"}, s.config.Postgres) {
		args = append(args, "-c", setting)
	}
	s.postgres = &postgres{bin: bin, port: portOf(reserved), passwords: passwords, Program: &Program{
		name:        "postgres",
		path:        filepath.Join(bin, "postgres"),
		args:        args,
		env:         postgresEnv,
		port:        reserved,
		who:         who.reaching(s.config.Dir),
		stopSignal:  syscall.SIGINT, // fast shutdown: rolls open transactions back
		deathSignal: syscall.SIGINT,
		out:         s.out,
		drop:        startsOrStops,
	}}
	if err := s.postgres.Up(); err != nil {
		return err
	}
	if err := s.WaitPostgres(ctx); err != nil {
		return err
	}
	return s.createRoles(ctx)
}

// postgresBin returns the program folder of the Postgres version that created the data, or of the newest one if there is no data.
func postgresBin(data string) (string, error) {
	version := "*"
	if v, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		version = strings.TrimSpace(string(v))
	}
	found, err := filepath.Glob("/usr/lib/postgresql/" + version + "/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 && version != "*" {
		return "", fmt.Errorf("%s was created by Postgres %s, which is not installed any more", data, version)
	}
	if len(found) == 0 {
		return "", errors.New("Postgres is not installed: no /usr/lib/postgresql/*/bin/initdb")
	}
	major := func(program string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })), nil
}

// startsOrStops reports whether a line of Postgres only says that it starts or stops.
func startsOrStops(line string) bool {
	return slices.ContainsFunc([]string{" LOG:  ", "the database system is starting up", "the database system is shutting down",
		"terminating connection due to administrator command"}, func(part string) bool { return strings.Contains(line, part) })
}

// initdb creates the data folder, completely or not at all.
func initdb(ctx context.Context, bin, data string, who account, password string) error {
	partial := data + ".new"
	if err := who.ownDir(partial); err != nil {
		return err
	}
	r, w, err := os.Pipe() // keeps the password out of the arguments, which every user can read
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = w.WriteString(password + "\n")
	if err := errors.Join(err, w.Close(), r.Chown(int(who.uid), int(who.gid))); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", partial, "--username", superuser, "--pwfile=/dev/stdin",
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")
	cmd.Env, cmd.Stdin = postgresEnv, r
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	output, err := launch(cmd, who.reaching(filepath.Dir(data)), syscall.SIGKILL)
	if err != nil {
		return err
	}
	defer output.Close()
	text, _ := io.ReadAll(output)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return os.Rename(partial, data)
}

// awaitOrphan waits until the Postgres of a killed supervisor, which received SIGINT when that died, has ended. A pid file that is left
// then is stale, but Postgres would refuse to start if another program has its process id by now.
func awaitOrphan(ctx context.Context, data string) error {
	pidFile := filepath.Join(data, "postmaster.pid")
	for tries := 0; ; tries++ {
		text, err := os.ReadFile(pidFile)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		pid, _ := strconv.Atoi(strings.TrimSpace(line))
		here, missing := os.Stat(data)
		at, gone := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
		if missing != nil || gone != nil || !os.SameFile(at, here) {
			break
		}
		if tries == 100 {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for an earlier Postgres, process %d, to end: %w", pid, err)
		}
	}
	if err := os.Remove(pidFile); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// createRoles creates the database, and the role and schema of every service. It runs at every start, so a new service gets its
// role, and every role has the rights in docker/postgres/service.sql.
func (s *System) createRoles(ctx context.Context) error {
	_, err := s.postgres.psql(ctx, "postgres", "SELECT 'CREATE DATABASE "+database+"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '"+database+"') \\gexec\n")
	if err != nil {
		return fmt.Errorf("creating the database: %w", err)
	}
	old, err := s.postgres.psql(ctx, database, "SELECT 1 FROM pg_tables WHERE tablename = 'feed_event' LIMIT 1;\n")
	if err != nil {
		return err
	}
	if old != "" {
		return fmt.Errorf("%s was created by a version before the first release, whose tables differ: remove it to start with an empty database", s.config.Dir)
	}
	script := filepath.Join(s.config.Root, "docker/postgres/service.sql")
	for _, service := range s.config.names() {
		input := fmt.Sprintf("\\set service %s\n\\set password %s\n\\i '%s'\n", service, s.postgres.passwords[service], script)
		if _, err := s.postgres.psql(ctx, database, input); err != nil {
			return fmt.Errorf("creating the role of %s: %w", service, err)
		}
	}
	return nil
}

// psql runs input as the superuser and returns what it prints. The password is in the environment, because every user can read
// arguments.
func (p *postgres) psql(ctx context.Context, db, input string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1",
		"-h", Loopback(), "-p", strconv.Itoa(p.port), "-U", superuser, "-d", db)
	cmd.Env = append(slices.Clone(postgresEnv), "PGPASSWORD="+p.passwords[superuser])
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return string(out), nil
}

// WaitPostgres waits until Postgres accepts connections.
func (s *System) WaitPostgres(ctx context.Context) error {
	for {
		cmd := exec.CommandContext(ctx, filepath.Join(s.postgres.bin, "pg_isready"), "-q", "-h", Loopback(), "-p", strconv.Itoa(s.postgres.port))
		if cmd.Run() == nil {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for Postgres: %w", err)
		}
	}
}

// DatabaseURL returns the URL of the database for the role of a service, or for the superuser "postgres".
func (s *System) DatabaseURL(role string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.postgres.passwords[role]),
		Host:     net.JoinHostPort(Loopback(), strconv.Itoa(s.postgres.port)),
		Path:     database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Postgres returns the database server.
func (s *System) Postgres() *Program { return s.postgres.Program }

// PostgresBin returns the folder of Postgres' programs.
func (s *System) PostgresBin() string { return s.postgres.bin }

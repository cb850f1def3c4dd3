package system

import (
	"context"
	"errors"
	"fmt"
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

// Postgres is the installed one, with its data in the system's directory. It listens on a loopback address alone, has no unix
// socket, and lets nobody in without a password.

const (
	database  = "msatom"
	superuser = "postgres"
)

// postgresPrograms returns the newest installed version's folder, or that of the version that made the data.
func postgresPrograms(data string) (string, error) {
	version := "*"
	if v, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		version = strings.TrimSpace(string(v))
	}
	found, err := filepath.Glob("/usr/lib/postgresql/" + version + "/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 && version != "*" {
		return "", fmt.Errorf("%s was made by Postgres %s, which is not installed any more", data, version)
	}
	if len(found) == 0 {
		return "", errors.New("Postgres is not installed: no /usr/lib/postgresql/*/bin/initdb")
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })), nil
}

func majorVersion(program string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	return n
}

// startPostgres makes the database if it is not there, starts it, and gives every service its role.
func (s *System) startPostgres(ctx context.Context) error {
	data := s.path("pg")
	bin, err := postgresPrograms(data)
	if err != nil {
		return err
	}
	who, err := accountFor("postgres", "nobody")
	if err != nil {
		return err
	}
	if _, err := os.Stat(data); err == nil {
		if who, err = ownerOf(data); err != nil {
			return err
		}
	}
	who = who.reaching(s.config.Dir)
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := s.makeDatabase(ctx, bin, data, who); err != nil {
			return err
		}
	}
	if err := endOrphan(ctx, data); err != nil {
		return err
	}
	reserved, err := reserve()
	if err != nil {
		return err
	}
	s.postgresBin, s.postgresPort = bin, portOf(reserved)
	s.postgres = newPostgres(bin, data, who, reserved, s.config.Postgres, s.out)
	if err := s.postgres.Up(); err != nil {
		return err
	}
	if err := s.WaitPostgres(ctx); err != nil {
		return err
	}
	return s.makeRoles(ctx)
}

func newPostgres(bin, data string, who account, reserved net.Listener, settings []string, out *output) *Program {
	return &Program{
		name:       "postgres",
		who:        who,
		stopSignal: syscall.SIGINT, // fast: open transactions are rolled back
		lastSignal: syscall.SIGINT,
		out:        out,
		drop:       dropsOfPostgres,
		command: func() *exec.Cmd {
			reserved.Close()
			cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data,
				"-c", "listen_addresses="+Loopback(),
				"-c", "port="+strconv.Itoa(portOf(reserved)),
				"-c", "unix_socket_directories=",
				"-c", "max_connections=500")
			for _, setting := range settings {
				cmd.Args = append(cmd.Args, "-c", setting)
			}
			cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
			return cmd
		},
	}
}

// dropsOfPostgres chooses the lines that only say that Postgres starts and stops.
func dropsOfPostgres(line string) bool {
	for _, part := range []string{" LOG:  ", "the database system is starting up", "the database system is shutting down",
		"terminating connection due to administrator command"} {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}

// clear removes the database and its passwords.
func (s *System) clear(ctx context.Context) error {
	if err := endOrphan(ctx, s.path("pg")); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(s.path("pg")), os.RemoveAll(s.path("passwords.json")))
}

// makeDatabase runs initdb beside the place and moves the result there, so that half a database is never found.
func (s *System) makeDatabase(ctx context.Context, bin, data string, who account) error {
	half := data + ".new"
	if err := who.ownDir(half); err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := w.WriteString(s.passwords[superuser] + "\n"); err != nil {
		return err
	}
	w.Close()
	if err := r.Chown(int(who.uid), int(who.gid)); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", half, "--username", superuser, "--pwfile=/dev/stdin",
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	cmd.Stdin = r
	if err := s.runToEnd(ctx, cmd, who); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	return os.Rename(half, data)
}

// endOrphan ends the Postgres that a killed supervisor left behind, and removes its mark if it is gone but something else
// has its process id now: Postgres itself would take that for a running one.
func endOrphan(ctx context.Context, data string) error {
	mark := filepath.Join(data, "postmaster.pid")
	text, err := os.ReadFile(mark)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 {
		return os.Remove(mark)
	}
	if data, err = filepath.EvalSymlinks(data); err != nil {
		return err
	}
	for tries := 0; ; tries++ {
		at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if err != nil || at != data {
			break
		}
		sig := syscall.SIGINT
		if tries > 100 {
			sig = syscall.SIGQUIT
		}
		syscall.Kill(pid, sig)
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for the end of an earlier Postgres (process %d): %w", pid, err)
		}
	}
	if err := os.Remove(mark); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// makeRoles makes the database and gives every service its role and schema, at every start: so the roles are always what
// the script says, and a new password is no harm.
func (s *System) makeRoles(ctx context.Context) error {
	const create = "SELECT 'CREATE DATABASE " + database + "' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '" + database + "') \\gexec\n"
	if err := s.psql(ctx, "postgres", create); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	script := filepath.Join(s.config.Root, "docker/postgres/service.sql")
	for _, service := range s.config.services {
		input := fmt.Sprintf("\\set service %s\n\\set password %s\n\\i '%s'\n", service.Name, s.passwords[service.Name], script)
		if err := s.psql(ctx, database, input); err != nil {
			return fmt.Errorf("making the role of %s: %w", service.Name, err)
		}
	}
	return nil
}

// psql runs what stands in input as the superuser. By input and environment: arguments can be read by every user.
func (s *System) psql(ctx context.Context, db, input string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.postgresBin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1",
		"-h", Loopback(), "-p", strconv.Itoa(s.postgresPort), "-U", superuser, "-d", db)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PGPASSWORD=" + s.passwords[superuser]}
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// WaitPostgres waits until the database takes connections.
func (s *System) WaitPostgres(ctx context.Context) error {
	for {
		cmd := exec.CommandContext(ctx, filepath.Join(s.postgresBin, "pg_isready"), "-q", "-h", Loopback(), "-p", strconv.Itoa(s.postgresPort))
		if cmd.Run() == nil {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for Postgres: %w", err)
		}
	}
}

// DatabaseURL returns the address of the database for a service's role, or for the superuser "postgres".
func (s *System) DatabaseURL(role string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.passwords[role]),
		Host:     net.JoinHostPort(Loopback(), strconv.Itoa(s.postgresPort)),
		Path:     database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Postgres returns the database server, to be killed or restarted by a test.
func (s *System) Postgres() *Program { return s.postgres }

// PostgresBin returns the folder of Postgres' programs.
func (s *System) PostgresBin() string { return s.postgresBin }

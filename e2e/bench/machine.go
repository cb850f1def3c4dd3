package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
)

// machine is where the figures were taken, and of what.
type machine struct {
	cpu, memory, kernel, postgres, apache, commit string
}

func (m machine) String() string {
	return fmt.Sprintf("The machine: %d cores of %s, %s of memory, Linux %s, %s, Postgres %s, Apache %s.",
		runtime.NumCPU(), m.cpu, m.memory, m.kernel, strings.Replace(runtime.Version(), "go", "Go ", 1), m.postgres, m.apache)
}

func (b *bench) describe(ctx context.Context) (m machine, err error) {
	m.cpu = field("/proc/cpuinfo", "model name")
	var kB int
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%d kB", &kB); err == nil {
		m.memory = fmt.Sprintf("%.0f GB", float64(kB)/(1<<20))
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel = string(bytes.TrimSpace(release))
	}
	if out, err := exec.CommandContext(ctx, "/usr/sbin/apache2", "-v").Output(); err == nil {
		_, rest, _ := strings.Cut(string(out), "Apache/")
		m.apache, _, _ = strings.Cut(rest, " ")
	}
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = b.root
		out, _ := cmd.Output()
		return string(bytes.TrimSpace(out))
	}
	if m.commit = git("rev-parse", "--short=12", "HEAD"); m.commit == "" {
		m.commit = "unknown"
	} else if git("status", "--porcelain", "--", ":!docs/performance*") != "" {
		m.commit += " with changes that are not committed"
	}
	c, err := pgx.Connect(ctx, b.system.DatabaseURL("postgres"))
	if err != nil {
		return m, err
	}
	defer c.Close(ctx)
	return m, c.QueryRow(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1)").Scan(&m.postgres)
}

// field is the first value of that name in a file of lines "name: value".
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// rss is the resident memory of a process in MB (10^6 bytes): what it has now, or the most it had.
func rss(pid int, what string) (float64, error) {
	var kB float64
	_, err := fmt.Sscanf(field(fmt.Sprintf("/proc/%d/status", pid), what), "%f kB", &kB)
	return kB * 1024 / 1e6, err
}

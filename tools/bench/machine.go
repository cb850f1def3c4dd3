package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine describes where the figures were taken, and of which commit.
func (b *bench) machine() string {
	output := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = b.root
		out, _ := cmd.Output()
		return string(bytes.TrimSpace(out))
	}
	commit := output("git", "rev-parse", "--short=12", "HEAD")
	if commit == "" {
		commit = "unknown"
	} else if output("git", "status", "--porcelain", "--", ":!docs/performance*") != "" {
		commit += " with uncommitted changes"
	}
	var kB float64
	_, _ = fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%f kB", &kB)
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	_, apache, _ := strings.Cut(output("/usr/sbin/apache2", "-v"), "Apache/")
	apache, _, _ = strings.Cut(apache, " ")
	postgres := query[string](b, b.system.DatabaseURL("postgres"), "SELECT split_part(current_setting('server_version'), ' ', 1)")[0]
	return fmt.Sprintf("at commit %s, on %d cores of %s, %.0f GB of memory, Linux %s, %s, Postgres %s, Apache %s", commit,
		runtime.NumCPU(), field("/proc/cpuinfo", "model name"), kB/(1<<20), bytes.TrimSpace(release), strings.Replace(runtime.Version(), "go", "Go ", 1), postgres, apache)
}

// field returns the first value of a name in a file of lines "name: value".
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Some tests need a Docker engine. Whether one answers is found out once, before the first test; if none does, these tests are
// skipped.

// noEngine says why no Docker engine can be used. It is empty if one answers.
var noEngine string

// engineTests lists which tests that need an engine ran and which were skipped, a line each. `make test` prints the
// skipped ones at its end, and .ci/run fails if one is missing although an engine answers.
const engineTests = "artifacts/engine-tests.txt"

func TestMain(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	cancel()
	if err != nil {
		noEngine, _, _ = strings.Cut(strings.TrimSpace(string(out)+"\n"+err.Error()), "\n")
	}
	// Images download Go modules from where this machine does.
	for _, name := range []string{"GOPROXY", "GOSUMDB"} {
		if out, err := exec.Command("go", "env", name).Output(); err == nil {
			os.Setenv(name, strings.TrimSpace(string(out)))
		}
	}
	if err := os.Remove(engineTests); err != nil && !os.IsNotExist(err) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if noEngine == "" {
		go baseImages() // they may take minutes, and the first tests do not need them
	}
	os.Exit(m.Run())
}

// needDocker skips the test if no Docker engine answers. Otherwise it sees to the base images, which a machine without an image
// registry has to build.
func needDocker(t *testing.T) {
	t.Helper()
	line := "ran " + t.Name()
	if noEngine != "" {
		line = fmt.Sprintf("skipped %s: no Docker engine answers (%s)", t.Name(), noEngine)
	}
	if err := appendLine(engineTests, line); err != nil {
		t.Fatal(err)
	}
	if noEngine != "" {
		t.Skip("no Docker engine answers: ", noEngine)
	}
	if err := baseImages(); err != nil {
		t.Fatal(err)
	}
}

var baseImages = sync.OnceValue(func() error {
	if out, err := exec.Command("./base-images.sh").CombinedOutput(); err != nil {
		return fmt.Errorf("base images: %w\n%s", err, out)
	}
	return nil
})

func appendLine(file, line string) error {
	if err := os.MkdirAll("artifacts", 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, line)
	return err
}

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// rebuilt changes a line of a service, then a line of a shared package, and each time builds the image of the service. The build lists the
// packages it compiles: it must download no module, compile no third-party package, and compile shared packages only if they changed.
func rebuilt(t *testing.T, r *terminal) {
	compiled := regexp.MustCompile(`(?m)^(?:#\d+ [\d.]+ )?(?:\x1b\[\d*m)*([\w.-]+(?:/[\w.-]+)+)\r?$`)
	foreign := regexp.MustCompile(`^[\w-]+\.[a-z]+/`)
	for _, change := range []struct{ file, compiles, not string }{
		{"invoicing/consumer.go", "msatom/invoicing", "msatom/shared/"},
		{"shared/money/money.go", "msatom/shared/money", "github.com/"},
	} {
		file, err := os.OpenFile(filepath.Join(r.dir, change.file), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		// The time makes the change a new one for Docker's build cache, which an earlier run may have filled.
		if _, err := fmt.Fprintf(file, "\n// %v\nfunc init() { println(\"%s was changed\") }\n", time.Now(), change.file); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		said := r.run("cd docker && docker-compose build invoicing 2>&1")
		t.Logf("%s changed: the build took %v", change.file, time.Since(began).Round(time.Second))
		var packages []string
		for _, m := range compiled.FindAllStringSubmatch(said, -1) {
			packages = append(packages, m[1])
		}
		if !slices.Contains(packages, change.compiles) || strings.Contains(said, "go: downloading") ||
			slices.ContainsFunc(packages, func(p string) bool { return foreign.MatchString(p) || strings.HasPrefix(p, change.not) }) {
			t.Errorf("%s changed, but the build compiled %q", change.file, packages)
		}
		// The health check of the new program fails, because no service runs there, but shows that it is the new program.
		if said := r.run("! docker run --rm " + project + "/invoicing healthcheck 2>&1"); !strings.Contains(said, change.file+" was changed") {
			t.Errorf("%s changed, but the image prints %q", change.file, said)
		}
	}
}

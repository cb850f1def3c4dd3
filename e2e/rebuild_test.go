// What a changed line costs: a build says what it compiles.
package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// rebuilt changes a line of a service, then one of what all services share, and builds the images again: no module is loaded and
// no foreign package compiled again, and what is shared only if it was changed.
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
		if _, err := file.WriteString("\nfunc init() { println(\"" + change.file + " was changed\") }\n"); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		said := r.run("docker/compose.sh build 2>&1")
		t.Logf("%s was changed: the images are there after %v", change.file, time.Since(began).Round(time.Second))
		var packages []string
		for _, m := range compiled.FindAllStringSubmatch(said, -1) {
			packages = append(packages, m[1])
		}
		if !slices.Contains(packages, change.compiles) || strings.Contains(said, "go: downloading") ||
			slices.ContainsFunc(packages, func(p string) bool { return foreign.MatchString(p) || strings.HasPrefix(p, change.not) }) {
			t.Errorf("%s was changed, compiled were %q", change.file, packages)
		}
		// Asked for its health where none runs, the new program fails, and says that it is the new one.
		if said := r.run("! docker run --rm " + project + "/invoicing healthcheck 2>&1"); !strings.Contains(said, change.file+" was changed") {
			t.Errorf("%s was changed, the image says %q", change.file, said)
		}
	}
}

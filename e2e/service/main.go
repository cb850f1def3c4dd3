// Command service is `make service NAME=points`: a new service beside the others, copied from shared/consumer/skeleton, whose
// tests run with all others.
package main

import (
	"fmt"
	"go/format"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"msatom/e2e/system"
)

func main() {
	name := os.Getenv("NAME")
	root, err := system.FindRoot()
	if err == nil {
		err = check(root, name)
	}
	if err == nil {
		err = create(root, name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf(`%[1]s/ is there: a service that makes a note of each order.

  make run: it runs beside the others, at http://localhost:8080/%[1]s/
  go test ./%[1]s: its tests
  %[1]s/note.go: what it does; begin there

docs/adding-a-service.md goes on from here. rm -r %[1]s takes it away again.
`, name)
}

var pattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

// meant otherwise: a service's name is that of its container, of its role and schema in Postgres, of its address at the front
// door, in capitals of a variable of the environment, and of a variable of its program.
var meant = map[string][]string{
	"a container of the system":     {"apache", "postgres", "roles"},
	"a schema of Postgres":          {"public"},
	"an address of the front door":  {"feed", "error", "frame"},
	"a variable of the environment": {"port", "path", "home", "user", "shell", "pwd", "lang", "term", "addr", "instance", "services", "name", "tmpdir", "goproxy", "gosumdb", "goflags", "gowork"},
	"a name in the skeleton":        {"note", "files", "main", "init", "consumer", "embed", "errors", "skeleton"},
}

// check says why a name cannot be that of a new service.
func check(root, name string) error {
	if !pattern.MatchString(name) {
		return fmt.Errorf("NAME=%s: a name of 1 to 20 small letters and digits is needed, a letter first: make service NAME=points", name)
	}
	if token.IsKeyword(name) || types.Universe.Lookup(name) != nil {
		return fmt.Errorf("NAME=%s: that is a word of Go", name)
	}
	for what, names := range meant {
		if slices.Contains(names, name) {
			return fmt.Errorf("NAME=%s: that is %s already", name, what)
		}
	}
	for _, folder := range []string{name, "examples/" + name} {
		if _, err := os.Lstat(filepath.Join(root, folder)); err == nil {
			return fmt.Errorf("NAME=%s: %s/ is there already", name, folder)
		}
	}
	return nil
}

// create copies the skeleton, whole or not at all.
func create(root, name string) error {
	rename := strings.NewReplacer("skeleton", name, "Skeleton", strings.ToUpper(name[:1])+name[1:])
	half, err := os.MkdirTemp(root, ".service-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(half)
	skeleton := os.DirFS(filepath.Join(root, "shared/consumer/skeleton"))
	err = fs.WalkDir(skeleton, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(half, path)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := fs.ReadFile(skeleton, path)
		if err != nil {
			return err
		}
		text = []byte(rename.Replace(string(text)))
		if strings.HasSuffix(path, ".go") {
			if text, err = format.Source(text); err != nil {
				return err
			}
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err == nil {
		err = os.Chmod(half, 0o755)
	}
	if err == nil {
		err = os.Rename(half, filepath.Join(root, name))
	}
	return err
}

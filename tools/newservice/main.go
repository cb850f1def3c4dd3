// Command newservice creates a service from the skeleton: `make service NAME=points`. The new folder is all that `make run` needs;
// for Docker, the service is entered in docker/.env.
package main

import (
	"errors"
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

	"msatom/tools/system"
)

const skeleton = "tools/newservice/skeleton"

func main() {
	name := os.Getenv("NAME")
	root, err := system.FindRoot()
	if err == nil {
		err = check(root, name)
	}
	if err == nil {
		err = errors.Join(create(root, name), enter(root, name))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf(`%[1]s/ is there: a service that makes a note of each order.

  make run             starts it with the others, at http://localhost:8080/%[1]s/
  go test ./%[1]s      runs its tests
  %[1]s/note.go        is what it does; begin there

docs/adding-a-service.md goes on from here. To remove the service, delete %[1]s/ and its entries in docker/.env.
`, name)
}

var pattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

// taken lists names with another meaning. A service's name is also that of its container, its role and schema in Postgres, its
// address at the front door, a variable of the environment (in capitals), and identifiers in its program.
var taken = map[string][]string{
	"a container of the system":     {"apache", "postgres", "roles"},
	"a schema of Postgres":          {"public"},
	"an address of the front door":  {"feed", "error", "frame"},
	"a variable of the environment": {"port", "path", "home", "user", "shell", "pwd", "lang", "term", "addr", "instance", "services", "name", "tmpdir", "goproxy", "gosumdb", "goflags", "gowork"},
	"a name in the skeleton":        {"note", "files", "main", "init", "consumer", "embed", "errors", "skeleton", "save", "upsert", "reconcile", "gorm"},
}

// check returns an error if no new service can have that name.
func check(root, name string) error {
	if !pattern.MatchString(name) {
		return fmt.Errorf("NAME=%s: must be 1 to 20 lower-case letters and digits, a letter first: make service NAME=points", name)
	}
	if token.IsKeyword(name) || types.Universe.Lookup(name) != nil {
		return fmt.Errorf("NAME=%s: is a word of Go", name)
	}
	for what, names := range taken {
		if slices.Contains(names, name) {
			return fmt.Errorf("NAME=%s: is %s", name, what)
		}
	}
	for _, folder := range []string{name, "examples/" + name} {
		if _, err := os.Lstat(filepath.Join(root, folder)); err == nil {
			return fmt.Errorf("NAME=%s: %s/ exists", name, folder)
		}
	}
	return nil
}

// create copies the skeleton under the new name, completely or not at all.
func create(root, name string) error {
	partial, err := os.MkdirTemp(root, ".service-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	rename := strings.NewReplacer("skeleton", name, "Skeleton", strings.ToUpper(name[:1])+name[1:])
	files := os.DirFS(filepath.Join(root, skeleton))
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		to := filepath.Join(partial, path)
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(to, 0o755))
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		text = []byte(rename.Replace(string(text)))
		if filepath.Ext(path) == ".go" {
			// A shorter or longer name moves the columns that gofmt aligns.
			if text, err = format.Source(text); err != nil {
				return err
			}
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err != nil {
		return err
	}
	return os.Rename(partial, filepath.Join(root, name))
}

// enter adds the service to the lists in docker/.env, where a service that was removed may have left its entries.
func enter(root, name string) error {
	file := filepath.Join(root, "docker", ".env")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	compose := ":../" + name + "/docker-compose.yml"
	if strings.Contains(string(text), compose) {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		switch variable, _, _ := strings.Cut(line, "="); variable {
		case "COMPOSE_FILE":
			lines[i] += compose
		case "SERVICES":
			lines[i] += " " + name
		case "ACK_FEEDS":
			lines[i] += fmt.Sprintf(",%[1]s=http://%[1]s:8080/%[1]s/feed", name)
		}
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644)
}

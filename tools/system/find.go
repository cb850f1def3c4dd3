package system

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
)

// Service is a service found in the repository. A folder directly below the root or below examples/ is a service if it contains a
// program (main.go) and a schema (migrations/). Nothing else registers it: it is built and started, and gets its role in Postgres
// and its place in Apache, because the folder exists.
type Service struct {
	Name   string // the folder's name, which is also that of its address, schema and role
	Folder string // relative to the root, for example "order" or "examples/bonus"
}

// publisher is the service whose feed the others follow.
const publisher = "order"

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Services returns the services of the repository at root, the publisher first.
func Services(root string) ([]Service, error) {
	var found []Service
	named := func(name string) int {
		return slices.IndexFunc(found, func(s Service) bool { return s.Name == name })
	}
	programs, _ := fs.Glob(os.DirFS(root), "*/main.go") // an error would mean a bad pattern
	examples, _ := fs.Glob(os.DirFS(root), "examples/*/main.go")
	for _, program := range append(programs, examples...) {
		s := Service{Name: path.Base(path.Dir(program)), Folder: path.Dir(program)}
		if _, err := os.Stat(filepath.Join(root, s.Folder, "migrations")); err != nil {
			continue
		}
		if !serviceName.MatchString(s.Name) {
			return nil, fmt.Errorf("%s: the name of a service consists of lower-case letters and digits", s.Folder)
		}
		if i := named(s.Name); i >= 0 {
			return nil, fmt.Errorf("%s and %s are two services with one name", found[i].Folder, s.Folder)
		}
		found = append(found, s)
	}
	i := named(publisher)
	if i < 0 {
		return nil, fmt.Errorf("there is no service %s in %s", publisher, root)
	}
	first := found[i]
	return slices.Insert(slices.Delete(found, i, i+1), 0, first), nil
}

// FindRoot returns the root of the repository that contains the working directory.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "apache", "httpd.conf")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is not in the repository")
		}
	}
}

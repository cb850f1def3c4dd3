package system

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
)

// What belongs to the system is found by where it lies. A service is a folder directly below the repository's root or below
// examples/ that has a program (main.go) and a schema of its own (migrations/). Nothing else names it: it is built and
// started, gets its role in Postgres and its place in Apache, because it is there.

// publisher is the service whose feed the others follow.
const publisher = "order"

// Service is one that was found.
type Service struct {
	Name   string // the folder's own: that of its addresses, its schema and its role
	Folder string // from the root, such as "order" or "examples/bonus"
}

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Services finds the services of the repository at root.
func Services(root string) (found []Service, err error) {
	folders := map[string]string{}
	for _, pattern := range []string{"*/main.go", "examples/*/main.go"} {
		programs, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			return nil, err
		}
		for _, program := range programs {
			s := Service{Name: path.Base(path.Dir(program)), Folder: path.Dir(program)}
			if _, err := os.Stat(filepath.Join(root, s.Folder, "migrations")); err != nil {
				continue
			}
			if !serviceName.MatchString(s.Name) {
				return nil, fmt.Errorf("%s: the name of a service is of small letters and digits", s.Folder)
			}
			if other, taken := folders[s.Name]; taken {
				return nil, fmt.Errorf("%s and %s are two services of one name", other, s.Folder)
			}
			folders[s.Name] = s.Folder
			found = append(found, s)
		}
	}
	if _, ok := folders[publisher]; !ok {
		return nil, fmt.Errorf("there is no service %s in %s", publisher, root)
	}
	slices.SortStableFunc(found, func(a, b Service) int { return cmp.Compare(after(a), after(b)) })
	return found, nil
}

// after is 0 for the publisher, which comes before the others, wherever they are listed.
func after(s Service) int {
	if s.Name == publisher {
		return 0
	}
	return 1
}

// FindRoot looks for the repository from the working directory upwards.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "apache", "httpd.conf")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the repository is not above the working directory")
		}
		dir = parent
	}
}

package system

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Config says what to start and where.
type Config struct {
	Root   string         // the repository; empty: the one that contains the working directory
	Dir    string         // holds the database, the passwords and the programs; created if it is missing
	Port   int            // of the front door; 0 for a free one
	Scale  map[string]int // instances per service, 1 to MaxInstances; a service not named here has 1
	Env    []string       // environment added to that of the services, for example "POLL_SCHEDULE=@every 1s"
	Output io.Writer      // receives what the programs write; nil discards it

	// For trials:
	Fresh    bool              // start with an empty database
	Replace  map[string]string // by service, the folder of a program that takes its place
	Postgres []string          // settings added to those of Postgres, for example "track_commit_timestamp=on"
	// Between puts something between the readers of the feeds and the front door. It receives the address of the front door,
	// host:port, and returns the URL to use in its place.
	Between func(front string) (url string, err error)

	services []Service // found in Root
}

// MaxInstances is the largest number of instances per service: apache/httpd.conf has that many places.
const MaxInstances = 9

// complete returns the configuration with the services of Root and absolute paths, or an error that says what is wrong with it.
func (c Config) complete() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("no directory given for the data of the system")
	}
	var err error
	if c.Root == "" {
		if c.Root, err = FindRoot(); err != nil {
			return c, err
		}
	}
	for _, path := range []*string{&c.Root, &c.Dir} {
		if *path, err = filepath.Abs(*path); err != nil {
			return c, err
		}
		if strings.ContainsAny(*path, "\"\\$\n") {
			return c, fmt.Errorf("the path %q cannot contain quotes, backslashes, dollar signs or line breaks: it is part of Apache's configuration", *path)
		}
	}
	if c.services, err = Services(c.Root); err != nil {
		return c, err
	}
	for name, n := range c.Scale {
		if !slices.Contains(c.names(), name) {
			return c, fmt.Errorf("%d instances of %s requested, but there is no such service", n, name)
		}
		if n < 1 || n > MaxInstances {
			return c, fmt.Errorf("%s: %d instances requested, 1 to %d are possible", name, n, MaxInstances)
		}
	}
	for i, s := range c.services {
		c.services[i].Folder = cmp.Or(c.Replace[s.Name], s.Folder)
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	return c, nil
}

// names returns the names of all services.
func (c Config) names() (names []string) {
	for _, service := range c.services {
		names = append(names, service.Name)
	}
	return names
}

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
	Root   string    // the repository; found from the working directory if empty
	Dir    string    // database, passwords and programs; made if it is not there
	Port   int       // of the front door; 0 for a free one
	Env    []string  // more environment for the services, such as "POLL_SCHEDULE=@every 1s"
	Output io.Writer // what the programs say; nowhere if nil

	Scale map[string]int // how many instances of a service, 1 to 9; of one that is not named here, 1

	// For trials:
	Fresh    bool              // begin with an empty database, whatever an earlier start left
	Replace  map[string]string // folder of the program that takes the place of a service
	Postgres []string          // more settings of Postgres, such as "track_commit_timestamp=on"
	// Between is told where the front door is, as host:port, and returns the address under which the feeds' readers are to
	// know it: that of something in between.
	Between func(front string) (url string, err error)

	services []Service // found in Root
}

// MaxInstances is how many instances of one service Apache has places for.
const MaxInstances = 9

func (c Config) instances(service string) int {
	if n, ok := c.Scale[service]; ok {
		return n
	}
	return 1
}

// complete returns the configuration with absolute paths, or says what is wrong with it.
func (c Config) complete() (Config, error) {
	var err error
	if c.Root == "" {
		if c.Root, err = FindRoot(); err != nil {
			return c, err
		}
	}
	if c.services, err = Services(c.Root); err != nil {
		return c, err
	}
	for i := range c.services {
		c.services[i].Folder = cmp.Or(c.Replace[c.services[i].Name], c.services[i].Folder)
	}
	if c.Dir == "" {
		return c, errors.New("no directory given for the system's data")
	}
	if c.Root, err = filepath.Abs(c.Root); err != nil {
		return c, err
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return c, err
	}
	for _, path := range []string{c.Root, c.Dir} {
		if strings.ContainsAny(path, "\"\\$\n") {
			return c, fmt.Errorf("Apache's configuration cannot name %q: use a path without quotes, backslashes and dollar signs", path)
		}
	}
	for name, n := range c.Scale {
		if !slices.ContainsFunc(c.services, func(s Service) bool { return s.Name == name }) {
			return c, fmt.Errorf("%d instances of %s asked for, which is no service", n, name)
		}
		if n < 1 || n > MaxInstances {
			return c, fmt.Errorf("%s: %d instances asked for, 1 to %d are possible", name, n, MaxInstances)
		}
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	return c, nil
}

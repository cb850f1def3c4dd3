package system

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Config says what to start and where.
type Config struct {
	Root   string    // the repository; found from the working directory if empty
	Dir    string    // database, passwords and programs; made if it is not there
	Port   int       // of the front door; 0 for a free one
	Env    []string  // more environment for the services, such as "POLL_SCHEDULE=@every 1s"
	Output io.Writer // what the programs say; nowhere if nil

	Order, Invoicing, Shipping int // instances, 1 to 9; 0 stands for 1
}

// MaxInstances is how many instances of one service Apache has places for.
const MaxInstances = 9

// services are the programs, in the order in which they are started.
var services = []string{"order", "invoicing", "shipping"}

func (c Config) instances(service string) int {
	n := map[string]int{"order": c.Order, "invoicing": c.Invoicing, "shipping": c.Shipping}[service]
	if n == 0 {
		return 1
	}
	return n
}

// complete returns the configuration with absolute paths, or says what is wrong with it.
func (c Config) complete() (Config, error) {
	var err error
	if c.Root == "" {
		if c.Root, err = findRoot(); err != nil {
			return c, err
		}
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
	for _, service := range services {
		if n := c.instances(service); n < 1 || n > MaxInstances {
			return c, fmt.Errorf("%s: %d instances asked for, 1 to %d are possible", service, n, MaxInstances)
		}
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	return c, nil
}

// findRoot looks for the repository from the working directory upwards.
func findRoot() (string, error) {
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

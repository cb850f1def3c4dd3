package system

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// newApache returns the front door: Apache with the same configuration as in its container, and the addresses and paths of this
// machine.
func (s *System) newApache(reserved net.Listener) (*Program, error) {
	who, err := accountFor("www-data", "nobody")
	if err != nil {
		return nil, err
	}
	run := s.path("apache")
	if err := who.ownDir(run); err != nil {
		return nil, err
	}
	root := s.config.Root
	conf := filepath.Join(root, "apache/httpd.conf")
	who = who.reaching(s.config.Dir, conf)
	if who.switched && s.port < 1024 {
		who.caps = append(who.caps, unix.CAP_NET_BIND_SERVICE)
	}
	define := map[string]string{
		"PORT":       strconv.Itoa(s.port),
		"PUBLIC_URL": s.public,
		"ROOT":       `"` + root + `"`,
		"RUN":        `"` + run + `"`,
	}
	for _, i := range s.instances {
		define[strings.ReplaceAll(i.name, "-", "_")] = i.Addr
	}
	args := []string{"-f", conf, "-D", "FOREGROUND", "-D", "NO_ACCESS_LOG"}
	for name, value := range define {
		args = append(args, "-C", "Define "+name+" "+value)
	}
	for _, service := range s.config.names() {
		args = append(args, "-c", "Use Service "+service)
	}
	return &Program{
		name:        "apache",
		path:        "/usr/sbin/apache2",
		args:        args,
		env:         []string{"PATH=/usr/bin:/bin", "LC_ALL=C"},
		port:        reserved,
		who:         who,
		stopSignal:  syscall.SIGTERM,
		deathSignal: syscall.SIGTERM, // lets it end its own children
		out:         s.out,
		drop:        func(line string) bool { return strings.Contains(line, ":notice]") },
	}, nil
}

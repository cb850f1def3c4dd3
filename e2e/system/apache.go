package system

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Apache runs with the configuration that it has in the container; only the addresses and paths are this machine's.

const apacheProgram = "/usr/sbin/apache2"

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
	who = who.reaching(run, filepath.Join(root, "apache/httpd.conf"), filepath.Join(root, "apache/htdocs/index.html"),
		filepath.Join(root, "shared/page/style.css"), filepath.Join(root, "shared/page/live.js"))
	if who.switched && s.port < 1024 {
		who.caps = append(who.caps, unix.CAP_NET_BIND_SERVICE)
	}
	args := []string{
		"-C", fmt.Sprintf("Define PORT %d", s.port),
		"-C", "Define PUBLIC_URL " + s.publicURL(),
		"-C", fmt.Sprintf(`Define ROOT "%s"`, root),
		"-C", fmt.Sprintf(`Define RUN "%s"`, run),
	}
	for _, i := range s.instances {
		args = append(args, "-C", fmt.Sprintf("Define %s %s", strings.ReplaceAll(i.name, "-", "_"), i.Addr))
	}
	args = append(args, "-f", filepath.Join(root, "apache/httpd.conf"), "-D", "FOREGROUND", "-D", "NO_ACCESS_LOG")
	for _, service := range s.config.services {
		args = append(args, "-c", "Use Service "+service.Name)
	}
	return &Program{
		name:       "apache",
		who:        who,
		stopSignal: syscall.SIGTERM,
		lastSignal: syscall.SIGTERM, // it ends its own children
		out:        s.out,
		drop:       func(line string) bool { return strings.Contains(line, ":notice]") },
		command: func() *exec.Cmd {
			reserved.Close()
			cmd := exec.Command(apacheProgram, args...)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
			return cmd
		},
	}, nil
}

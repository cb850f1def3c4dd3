package system

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// The services are built from the repository and started as often as asked for, each instance on a port of its own.

// Instance is one running copy of a service.
type Instance struct {
	*Program
	Service string
	Addr    string // host:port of its own, behind Apache

	mu   sync.Mutex
	more []string // environment
}

// Setenv sets a variable of the instance's environment from its next start on.
func (i *Instance) Setenv(name, value string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.more = append(i.more, name+"="+value)
}

// build compiles the services into bin, static, as they are in the container.
func (s *System) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", s.path("bin")+"/")
	for _, service := range s.config.services {
		cmd.Args = append(cmd.Args, "./"+service.Folder)
	}
	cmd.Dir = s.config.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the services: %w\n%s", err, out)
	}
	return nil
}

// place gives every instance its name and its port.
func (s *System) place() error {
	for _, service := range s.config.services {
		for n := range s.config.instances(service.Name) {
			l, err := reserve()
			if err != nil {
				return err
			}
			s.instances = append(s.instances, s.newInstance(service, fmt.Sprintf("%s-%d", service.Name, n+1), l))
		}
	}
	return nil
}

func (s *System) newInstance(service Service, name string, reserved net.Listener) *Instance {
	addr := reserved.Addr().String()
	env := append(inherited(), s.config.Env...)
	env = append(env,
		"ADDR="+addr,
		"INSTANCE="+name,
		"DATABASE_URL="+s.DatabaseURL(service.Name),
		"FEED_URL="+s.feed(publisher),
		"SERVICES="+strings.Join(s.names(), " "),
	)
	if service.Name == publisher {
		env = append(env, "ACK_FEEDS="+strings.Join(s.acknowledgements(), ","))
	}
	i := &Instance{Service: service.Name, Addr: addr}
	i.Program = &Program{
		name:       name,
		who:        account{},
		stopSignal: syscall.SIGTERM,
		lastSignal: syscall.SIGKILL,
		out:        s.out,
		// The metrics library says so before anything else on a kernel without pressure stall information.
		drop: func(line string) bool { return strings.Contains(line, "PSI metrics") },
		command: func() *exec.Cmd {
			reserved.Close()
			cmd := exec.Command(filepath.Join(s.path("bin"), path.Base(service.Folder)))
			i.mu.Lock()
			defer i.mu.Unlock()
			cmd.Env = slices.Concat(env, i.more)
			return cmd
		},
	}
	return i
}

// names returns the names of all services.
func (s *System) names() (names []string) {
	for _, service := range s.config.services {
		names = append(names, service.Name)
	}
	return names
}

// feed returns the address of a service's feed, as its readers know it.
func (s *System) feed(service string) string { return s.publicURL() + "/" + service + "/feed" }

// acknowledgements returns name=address of the feed of every service but order's: there they say what they have done.
func (s *System) acknowledgements() (feeds []string) {
	for _, service := range s.config.services {
		if service.Name != publisher {
			feeds = append(feeds, service.Name+"="+s.feed(service.Name))
		}
	}
	return feeds
}

// inherited returns the environment without what would change a service behind its own configuration's back.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "MAKE") || name == "DATABASE_PASSWORD_FILE"
	})
}

// Instances returns the instances of one service, or all of them.
func (s *System) Instances(service string) []*Instance {
	return slices.DeleteFunc(slices.Clone(s.instances), func(i *Instance) bool {
		return service != "" && i.Service != service
	})
}

// Instance returns the instance of that name, such as order-1, or nil.
func (s *System) Instance(name string) *Instance {
	for _, i := range s.instances {
		if i.name == name {
			return i
		}
	}
	return nil
}

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
	"syscall"
)

// Instance is one running copy of a service. It listens on a port of its own, behind Apache.
type Instance struct {
	*Program
	Service string
	Addr    string // host:port
}

// URL returns the instance's own address, without a slash at the end.
func (i *Instance) URL() string { return "http://" + i.Addr }

// WaitReady waits until the instance reports that it is ready.
func (i *Instance) WaitReady(ctx context.Context) error {
	return waitFor(ctx, i.URL()+"/readyz", i.out)
}

// build compiles the services into bin/, static as in their containers.
func (s *System) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", s.path("bin")+"/")
	for _, service := range s.config.services {
		cmd.Args = append(cmd.Args, "./"+service.Folder)
	}
	cmd.Dir = s.config.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Cancel ends the compilers too
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the services: %w\n%s", err, out)
	}
	return nil
}

// place gives every instance its name and its port.
func (s *System) place() error {
	for _, service := range s.config.services {
		for i := range max(1, s.config.Scale[service.Name]) {
			l, err := reserve()
			if err != nil {
				return err
			}
			s.instances = append(s.instances, s.newInstance(service, fmt.Sprintf("%s-%d", service.Name, i+1), l))
		}
	}
	return nil
}

func (s *System) newInstance(service Service, name string, reserved net.Listener) *Instance {
	feed := func(service string) string { return s.public + "/" + service + "/feed" }
	env := append(inherited(), s.config.Env...)
	env = append(env,
		"ADDR="+reserved.Addr().String(),
		"INSTANCE="+name,
		"DATABASE_URL="+s.DatabaseURL(service.Name),
		"FEED_URL="+feed(publisher),
		"SERVICES="+strings.Join(s.config.names(), " "),
	)
	if service.Name == publisher {
		var feeds []string
		for _, consumer := range s.config.names()[1:] {
			feeds = append(feeds, consumer+"="+feed(consumer))
		}
		env = append(env, "ACK_FEEDS="+strings.Join(feeds, ","))
	}
	return &Instance{Service: service.Name, Addr: reserved.Addr().String(), Program: &Program{
		name:        name,
		path:        filepath.Join(s.path("bin"), path.Base(service.Folder)),
		env:         env,
		port:        reserved,
		stopSignal:  syscall.SIGTERM,
		deathSignal: syscall.SIGKILL,
		out:         s.out,
		// The metrics library writes this on kernels without pressure stall information.
		drop: func(line string) bool { return strings.Contains(line, "PSI metrics") },
	}}
}

// inherited returns the supervisor's environment without the variables that would override a service's configuration.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "MAKE") || name == "DATABASE_PASSWORD_FILE"
	})
}

// Instances returns the instances of a service, or all instances if service is empty.
func (s *System) Instances(service string) (found []*Instance) {
	for _, i := range s.instances {
		if service == "" || i.Service == service {
			found = append(found, i)
		}
	}
	return found
}

// Instance returns the instance with a name such as order-1, or nil.
func (s *System) Instance(name string) *Instance {
	for _, i := range s.instances {
		if i.name == name {
			return i
		}
	}
	return nil
}

package system

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The services are built from the repository and started as often as asked for, each instance on a port of its own.

// Instance is one running copy of a service.
type Instance struct {
	*Program
	Service string
	Addr    string // host:port of its own, behind Apache
}

// build compiles the services into bin, static, as they are in the container.
func (s *System) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", s.path("bin")+"/")
	for _, service := range services {
		cmd.Args = append(cmd.Args, "./"+service)
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
	for _, service := range services {
		for n := range s.config.instances(service) {
			l, err := reserve()
			if err != nil {
				return err
			}
			s.instances = append(s.instances, s.newInstance(service, fmt.Sprintf("%s-%d", service, n+1), l))
		}
	}
	return nil
}

func (s *System) newInstance(service, name string, reserved net.Listener) *Instance {
	addr := reserved.Addr().String()
	env := append(inherited(), s.config.Env...)
	env = append(env,
		"ADDR="+addr,
		"INSTANCE="+name,
		"DATABASE_URL="+s.DatabaseURL(service),
		"FEED_URL="+s.URL()+"/order/feed",
	)
	return &Instance{Service: service, Addr: addr, Program: &Program{
		name:       name,
		who:        account{},
		stopSignal: syscall.SIGTERM,
		lastSignal: syscall.SIGKILL,
		out:        s.out,
		command: func() *exec.Cmd {
			reserved.Close()
			cmd := exec.Command(filepath.Join(s.path("bin"), service))
			cmd.Env = env
			return cmd
		},
	}}
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

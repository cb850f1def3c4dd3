// Package system starts the whole of msatom on this machine without Docker, and looks after it: a real Postgres, any number of
// instances of the services, and Apache in front of them. `make run` is a few lines around it, and so is every end-to-end test.
//
// Postgres comes first, then order, Apache and the consumers. Postgres is stopped last. Nothing outlives the
// program that called Start, however that ends.
package system

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// System is a running system.
type System struct {
	config Config
	port   int
	public string // see Config.Between
	out    *output
	lock   *lock

	passwords    map[string]string
	postgres     *Program
	postgresBin  string
	postgresPort int
	instances    []*Instance
	apache       *Program
}

// Start starts the system and returns when it is ready to be used: every instance says so, and Apache serves every service.
// When ctx ends before that, or something cannot start, all that was started is stopped again. Later ctx has no meaning.
func Start(ctx context.Context, config Config) (*System, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, unclean, err := acquire(config.Dir)
	if err != nil {
		return nil, err
	}
	s := &System{config: config, lock: lock, out: &output{w: config.Output}}
	if err := s.start(ctx, unclean); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *System) start(ctx context.Context, unclean bool) error {
	patience := time.Duration(0)
	if unclean {
		patience = 5 * time.Second
	}
	front, err := reserveFront(s.config.Port, patience)
	if err != nil {
		return err
	}
	defer front.Close()
	s.port = portOf(front)
	if err := s.lock.sign(s.port); err != nil {
		return err
	}
	if s.config.Between != nil {
		if s.public, err = s.config.Between(fmt.Sprintf("localhost:%d", s.port)); err != nil {
			return err
		}
	}
	if s.config.Fresh {
		if err := s.clear(ctx); err != nil {
			return err
		}
	}
	if s.passwords, err = loadPasswords(s.config.Dir, s.config.services); err != nil {
		return err
	}
	s.out.line("system", "building the services")
	if err := s.build(ctx); err != nil {
		return err
	}
	s.out.line("system", "starting Postgres")
	if err := s.startPostgres(ctx); err != nil {
		return err
	}
	s.out.line("system", "starting the services")
	if err := s.place(); err != nil {
		return err
	}
	// The consumers follow the feed through the front door, so that has to be open when they come.
	if err := upAll(ctx, s.Instances(publisher)); err != nil {
		return err
	}
	if s.apache, err = s.newApache(front); err != nil {
		return err
	}
	if err := s.apache.Up(); err != nil {
		return err
	}
	if err := waitFor(ctx, s.URL()+"/"+publisher+"/"); err != nil {
		return err
	}
	if err := upAll(ctx, s.instances); err != nil {
		return err
	}
	return s.WaitReady(ctx)
}

// upAll starts instances at once, those that are not up yet, and waits until they are ready.
func upAll(ctx context.Context, instances []*Instance) error {
	for _, i := range instances {
		if err := i.Up(); err != nil {
			return err
		}
	}
	for _, i := range instances {
		if err := i.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop stops everything and gives the directory free: the services first, because Apache ends when the requests that they hold
// for their readers have been answered; Postgres last.
func (s *System) Stop() error {
	var stopping sync.WaitGroup
	for _, i := range s.instances {
		stopping.Go(i.Down)
	}
	stopping.Wait()
	for _, p := range []*Program{s.apache, s.postgres} {
		if p != nil {
			p.Down()
		}
	}
	return s.lock.release()
}

// WaitReady waits until every instance is ready and every service answers through the front door.
func (s *System) WaitReady(ctx context.Context) error {
	for _, i := range s.instances {
		if err := i.WaitReady(ctx); err != nil {
			return err
		}
	}
	for _, service := range s.config.services {
		if err := waitFor(ctx, s.URL()+"/"+service.Name+"/"); err != nil {
			return err
		}
	}
	return nil
}

// WaitReady waits until the instance says that it is ready.
func (i *Instance) WaitReady(ctx context.Context) error {
	return waitFor(ctx, i.URL()+"/readyz")
}

// waitFor waits until url is answered by 200.
func waitFor(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	last := errors.New("not asked yet")
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		if ctx.Err() == nil {
			last = err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%s is not ready (%w); last answer: %w", url, err, last)
		}
	}
}

// URL returns the address of the front door, without a slash at its end.
func (s *System) URL() string { return fmt.Sprintf("http://localhost:%d", s.port) }

// publicURL is URL as the feeds' readers know it.
func (s *System) publicURL() string { return cmp.Or(s.public, s.URL()) }

// URL returns the instance's own address behind Apache, without a slash at its end.
func (i *Instance) URL() string { return "http://" + i.Addr }

// Apache returns the front door, to be killed or restarted by a test.
func (s *System) Apache() *Program { return s.apache }

func (s *System) path(name string) string { return filepath.Join(s.config.Dir, name) }

// runToEnd runs a command as who and waits for its end; what it said is in the error.
func (s *System) runToEnd(ctx context.Context, cmd *exec.Cmd, who account) error {
	r, err := launch(cmd, who, syscall.SIGKILL)
	if err != nil {
		return err
	}
	defer r.Close()
	defer context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })()
	said, _ := io.ReadAll(r)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}

// pause waits for d, or returns why ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

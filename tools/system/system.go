// Package system runs the whole of msatom on this machine without Docker: a real Postgres, any number of instances of the services,
// and Apache in front of them. `make run`, the end-to-end tests, the proof and the benchmarks all start the system with it.
//
// It supervises the programs it starts, and none of them outlives it, not even when it is killed. What the programs do is none of its
// business: services are configured by their environment, as in a container.
package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// System is a running system.
type System struct {
	config Config
	port   int    // of the front door
	public string // the front door's URL as readers of the feeds know it, see Config.Between
	out    *output
	lock   *lock

	postgres  *postgres
	instances []*Instance
	apache    *Program
}

// Start starts the system and returns when it is ready: every instance says so, and Apache serves every service. If ctx ends before
// that, or something cannot be started, Start stops what it has started. Afterwards ctx has no effect.
func Start(ctx context.Context, config Config) (*System, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, killed, err := acquire(config.Dir)
	if err != nil {
		return nil, err
	}
	s := &System{config: config, lock: lock, out: &output{w: config.Output}}
	if err := s.start(ctx, killed); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// start starts everything in order: Postgres, the publisher, Apache, the consumers. killed reports whether programs of a killed
// supervisor may still be ending.
func (s *System) start(ctx context.Context, killed bool) error {
	front, err := reserveFront(s.config.Port, killed)
	if err != nil {
		return err
	}
	defer front.Close()
	s.port = portOf(front)
	s.public = s.URL()
	if err := s.lock.sign(s.port); err != nil {
		return err
	}
	if s.config.Between != nil {
		if s.public, err = s.config.Between(fmt.Sprintf("localhost:%d", s.port)); err != nil {
			return err
		}
	}
	if s.config.Fresh {
		if err := awaitOrphan(ctx, s.path("pg")); err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(s.path("pg")), os.RemoveAll(s.path("passwords.json"))); err != nil {
			return err
		}
	}
	passwords, err := loadPasswords(s.config.Dir, s.config.services)
	if err != nil {
		return err
	}
	s.out.line("system", "building the services")
	if err := s.build(ctx); err != nil {
		return err
	}
	s.out.line("system", "starting Postgres")
	if err := s.startPostgres(ctx, passwords); err != nil {
		return err
	}
	s.out.line("system", "starting the services")
	if err := s.place(); err != nil {
		return err
	}
	// Consumers follow the feed through the front door, so order and Apache have to be ready first.
	for _, i := range s.Instances(publisher) {
		if err := i.Up(); err != nil {
			return err
		}
		if err := i.WaitReady(ctx); err != nil {
			return err
		}
	}
	if s.apache, err = s.newApache(front); err != nil {
		return err
	}
	if err := s.apache.Up(); err != nil {
		return err
	}
	if err := waitFor(ctx, s.URL()+"/"+publisher+"/", s.out); err != nil {
		return err
	}
	for _, i := range s.instances {
		if err := i.Up(); err != nil {
			return err
		}
	}
	return s.WaitReady(ctx)
}

// Stop stops everything and releases the directory. The services stop first, because Apache waits for the requests that they hold for
// waiting readers. Postgres stops last.
func (s *System) Stop() error {
	var stopping sync.WaitGroup
	for _, i := range s.instances {
		stopping.Go(i.Down)
	}
	stopping.Wait()
	if s.apache != nil {
		s.apache.Down()
	}
	if s.postgres != nil {
		s.postgres.Down()
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
	if err := s.waitFront(ctx); err != nil {
		return err
	}
	// A health check that Apache began before an instance was ready may still disable it. The next one, half a second later,
	// enables it again.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return s.waitFront(ctx)
	}
}

// waitFront waits until every service answers through the front door.
func (s *System) waitFront(ctx context.Context) error {
	for _, service := range s.config.names() {
		if err := waitFor(ctx, s.URL()+"/"+service+"/", s.out); err != nil {
			return err
		}
	}
	return nil
}

// URL returns the address of the front door, without a slash at the end.
func (s *System) URL() string { return fmt.Sprintf("http://localhost:%d", s.port) }

// Apache returns the front door.
func (s *System) Apache() *Program { return s.apache }

func (s *System) path(name string) string { return filepath.Join(s.config.Dir, name) }

// slowStart is how long a page may take to answer before the output says so.
const slowStart = 10 * time.Second

// waitFor waits until a GET of url returns 200. After slowStart it says what is wrong, once, and asks less often. It does not wait any
// longer for a page that answers with an error of its own: the rest of the system works.
func waitFor(ctx context.Context, url string, out *output) error {
	client := &http.Client{Timeout: 5 * time.Second}
	last := errors.New("none yet")
	began, interval := time.Now(), 50*time.Millisecond
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answers := false
		resp, err := client.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
			answers = resp.StatusCode < 502 || resp.StatusCode > 504
		}
		if ctx.Err() == nil {
			last = err
		}
		if time.Since(began) > slowStart && interval < time.Second {
			interval = time.Second
			out.line("system", fmt.Sprintf("%s is not ready: %v", url, last))
		}
		if answers && interval == time.Second {
			return nil
		}
		if err := pause(ctx, interval); err != nil {
			return fmt.Errorf("%s is not ready (%w); last answer: %w", url, err, last)
		}
	}
}

// pause waits for d. It returns the cause if ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

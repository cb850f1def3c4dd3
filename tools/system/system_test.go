package system

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Tests with the whole system: programs are killed, and so is the supervisor.

const patience = 3 * time.Minute

// With childDir in its environment, the test binary is a supervisor that can be killed: it starts a system there and waits for SIGINT.
const childDir, childPort = "SYSTEM_TEST_DIR", "SYSTEM_TEST_PORT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

func child(dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	port, _ := strconv.Atoi(os.Getenv(childPort))
	s, err := Start(ctx, Config{Dir: dir, Port: port, Output: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready:", s.URL())
	<-ctx.Done()
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// supervise starts a supervisor in a process of its own and waits until the system is ready.
func supervise(t *testing.T, dir string, port int) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childPort+"="+strconv.Itoa(port))
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ready := strings.CutPrefix(lines.Text(), "ready: "); ready {
			return cmd, url
		}
	}
	t.Fatal("the supervisor ended before it was ready: ", cmd.Wait())
	return nil, ""
}

func start(t *testing.T, config Config) *System {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if config.Output == nil {
		config.Output = t.Output()
	}
	s, err := Start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// processes returns the processes whose command line contains dir.
func processes(dir string) []string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), dir) {
			found = append(found, filepath.Base(filepath.Dir(file))+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// noneLeft fails the test unless all processes of the system in dir end.
func noneLeft(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		left := processes(dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
		}
	}
}

func ready(t *testing.T, s *System) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.WaitPostgres(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Config{Dir: dir, Scale: map[string]int{"order": 2, "invoicing": 3}})

	t.Run("every instance answers through the front door", func(t *testing.T) {
		seen := map[string]bool{}
		for range 40 {
			for _, service := range s.config.services {
				seen[ask(t, "GET", s.URL()+"/"+service.Name+"/", "").header.Get("X-Instance")] = true
			}
		}
		for _, i := range s.Instances("") {
			if !seen[i.Name()] {
				t.Errorf("%s answered none of 40 requests; these did: %v", i.Name(), seen)
			}
		}
	})

	t.Run("one system per directory", func(t *testing.T) {
		_, err := Start(t.Context(), Config{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d at %s/", os.Getpid(), s.URL())) {
			t.Errorf("%v, want the holder", err)
		}
	})

	t.Run("a port in use is an error", func(t *testing.T) {
		other := t.TempDir()
		_, err := Start(t.Context(), Config{Dir: other, Port: s.port})
		if err == nil || !strings.Contains(err.Error(), "in use by another program") {
			t.Errorf("%v, want that the port is in use", err)
		}
		noneLeft(t, other)
	})

	t.Run("two systems at once", func(t *testing.T) {
		other := start(t, Config{Dir: t.TempDir()})
		if got := ask(t, "GET", other.URL()+"/order/", "").status; got != http.StatusOK {
			t.Errorf("the second answers %d", got)
		}
	})

	t.Run("a service reaches only its own schema", func(t *testing.T) {
		as := func(role, db, sql string) error {
			url := strings.Replace(s.DatabaseURL(role), "/"+database+"?", "/"+db+"?", 1)
			return exec.Command(filepath.Join(s.PostgresBin(), "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql).Run()
		}
		for _, sql := range []string{"SELECT 1", `CREATE TABLE own (id int); DROP TABLE own`} {
			if err := as("invoicing", database, sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
		for _, sql := range []string{
			`CREATE TABLE "order".mine (id int)`, "CREATE TABLE public.mine (id int)", "CREATE SCHEMA mine", "CREATE TEMP TABLE mine (id int)",
			"DROP SCHEMA shipping", "CREATE ROLE mine", "CREATE DATABASE mine", "SET ROLE postgres", `SELECT * FROM "order".goose_db_version`,
		} {
			if as("invoicing", database, sql) == nil {
				t.Errorf("%s was allowed", sql)
			}
		}
		for _, db := range []string{"postgres", "template1"} {
			if as("invoicing", db, "SELECT 1") == nil {
				t.Errorf("the database %s can be opened", db)
			}
		}
	})

	t.Run("a database of an old version is an error", func(t *testing.T) {
		psql := func(sql string) {
			if _, err := s.postgres.psql(t.Context(), database, sql); err != nil {
				t.Fatal(err)
			}
		}
		psql(`CREATE TABLE "order".feed_event (id int);`)
		if err := s.createRoles(t.Context()); err == nil || !strings.Contains(err.Error(), "remove it to start with an empty database") {
			t.Errorf("%v, want what to do", err)
		}
		psql(`DROP TABLE "order".feed_event;`)
	})

	t.Run("killed programs are restarted", func(t *testing.T) {
		for _, p := range []*Program{s.Instance("order-1").Program, s.Instance("shipping-1").Program, s.Postgres(), s.Apache()} {
			before := p.Pid()
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(patience); p.Pid() == 0 || p.Pid() == before; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s was not restarted", p.Name())
				}
			}
			ready(t, s)
		}
	})

	t.Run("a stopped program stays down", func(t *testing.T) {
		i := s.Instance("invoicing-2")
		if err := i.Freeze(); err != nil {
			t.Fatal(err)
		}
		i.Down()
		time.Sleep(2 * restartPause)
		if i.Pid() != 0 {
			t.Error("it was restarted")
		}
		if err := i.Up(); err != nil {
			t.Fatal(err)
		}
		if err := s.Postgres().Restart(); err != nil {
			t.Fatal(err)
		}
		ready(t, s)
	})
}

func TestStopLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := supervise(t, dir, 0)
	if n := len(processes(dir)); n < 5 {
		t.Fatalf("only %d processes", n)
	}
	began := time.Now()
	for range 2 {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGINT to the group, twice: %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v to stop", took)
	}
	noneLeft(t, dir)
}

func TestKilledSupervisor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, url := supervise(t, dir, 0)
	for range 2 {
		cmd.Process.Kill()
		cmd.Wait()
		// Immediately, in the same directory and on the same port, while the old programs may still be ending.
		port, err := strconv.Atoi(url[strings.LastIndex(url, ":")+1:])
		if err != nil {
			t.Fatal(err)
		}
		cmd, url = supervise(t, dir, port)
	}
	// The old Postgres has ended, and another program has its process id now.
	cmd.Process.Kill()
	cmd.Wait()
	noneLeft(t, dir)
	mark := filepath.Join(dir, "pg", "postmaster.pid")
	if err := os.WriteFile(mark, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _ = supervise(t, dir, 0)
	cmd.Process.Kill()
	cmd.Wait()
	noneLeft(t, dir)
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]Config{
		"order: 10 instances requested":    {Dir: "x", Scale: map[string]int{"order": 10}},
		"shipping: -1 instances requested": {Dir: "x", Scale: map[string]int{"shipping": -1}},
		"2 instances of bread":             {Dir: "x", Scale: map[string]int{"bread": 2}},
		"no directory":                     {},
		"cannot contain":                   {Dir: `a"b`},
	} {
		if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A page that answers 500 does not keep the system from getting ready. The output names the page and its answer.
func TestAFailingPageDoesNotStopTheStart(t *testing.T) {
	t.Parallel()
	broken := newBackend(t, "order-1")
	broken.set(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	var said lockedBuffer
	if err := waitFor(t.Context(), broken.URL+"/order/", &output{w: &said}); err != nil {
		t.Error(err)
	}
	if want := "/order/ is not ready: 500 Internal Server Error"; strings.Count(said.String(), want) != 1 {
		t.Errorf("%q does not say %q once", said.String(), want)
	}
	if n := len(broken.requests()); n > 300 {
		t.Errorf("%d requests", n)
	}
}

// lockedBuffer keeps output, which may still come after a stop.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A stop does not wait for long polls: Apache waits for requests in flight, so the services must answer them first.
func TestStopWithWaitingReaders(t *testing.T) {
	t.Parallel()
	var said lockedBuffer
	s, err := Start(t.Context(), Config{Dir: t.TempDir(), Output: &said})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	held := make(chan error, 1)
	go func() {
		r, err := http.Get(s.URL() + "/order/feed?lastEventId=&timeout=40000")
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		held <- err
	}()
	order := s.Instances("order")[0]
	for waiting := 0; waiting < 1; {
		if err := pause(t.Context(), 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		r, err := http.Get(order.URL() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			fmt.Sscanf(lines.Text(), `msatom_feed_waiting{feed="order"} %d`, &waiting)
		}
		r.Body.Close()
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := <-held; err != nil {
		t.Errorf("the waiting reader got no answer: %v", err)
	}
	if strings.Contains(said.String(), "was killed") {
		t.Errorf("something had to be killed:\n%s", said.String())
	}
}

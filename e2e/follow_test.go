package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"msatom/tools/system"
)

// The example consumers, in a shell and in Python, lose nothing: they are killed again and again while orders are placed and cancelled,
// and in the end they have a copy of every order in its last state.
func TestFollowers(t *testing.T) {
	t.Parallel()
	const orders = 250
	sys := run(t, system.Config{})
	s := visit(t, sys.URL())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	var followers sync.WaitGroup
	placed := make(chan struct{})
	copies := map[string]string{}
	for _, program := range []string{"follow.sh", "follow.py"} {
		path, err := filepath.Abs("../examples/" + program)
		if err != nil {
			t.Fatal(err)
		}
		copies[program] = filepath.Join(t.TempDir(), "copies")
		start := func() func() {
			c := exec.Command(path, sys.URL()+"/order/feed", copies[program])
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
			c.Stderr = t.Output()
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			return func() {
				_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
				_ = c.Wait()
			}
		}
		followers.Go(func() {
			for pause := 300 * time.Millisecond; ; pause += 50 * time.Millisecond {
				kill := start()
				select {
				case <-time.After(pause):
					kill()
				case <-placed:
					kill()
					t.Cleanup(start()) // the last one runs until the copies are complete
					return
				}
			}
		})
	}
	placeAll(ctx, t, s, orders, 4)
	for id := 1; id <= orders; id += 5 {
		s.must(200, "DELETE", fmt.Sprintf("/order/%d", id), "", asJSON...)
	}
	close(placed)
	followers.Wait()

	want := map[string]any{}
	var all []map[string]any
	if err := json.Unmarshal(s.must(200, "GET", "/order/?limit=1000", "", asJSON...).body, &all); err != nil || len(all) != orders {
		t.Fatalf("%d orders, %v", len(all), err)
	}
	for _, o := range all {
		delete(o, "updated") // an entry has its time beside the snapshot
		want[fmt.Sprintf("%v.json", o["id"])] = o
	}
	for program, folder := range copies {
		eventually(t, program+" has a copy of every order", 2*patience, func() bool {
			got := map[string]any{}
			names, err := filepath.Glob(folder + "/*.json")
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				text, err := os.ReadFile(name)
				var o map[string]any
				if err != nil || json.Unmarshal(text, &o) != nil {
					t.Fatalf("%s: %s is incomplete: %.200s", program, name, text)
				}
				got[filepath.Base(name)] = o
			}
			return reflect.DeepEqual(want, got)
		})
	}
}

package e2e

import (
	"testing"
	"time"

	"msatom/e2e/system"
)

// Requests are spread evenly over the instances; one that is killed is missed by nobody, and used again when it is back.
func TestBalancing(t *testing.T) {
	sys := run(t, system.Config{Order: 2, Invoicing: 3, Shipping: 2})
	s := visit(t, sys.URL())
	for path, instances := range map[string]int{"/order/": 2, "/invoicing/": 3, "/shipping/": 2} {
		// Until the health checks have seen all instances, those that are known share the load.
		eventually(t, path+" is spread evenly", 15*time.Second, func() bool {
			answered := map[string]int{}
			for range 20 * instances {
				answered[s.must(200, "GET", path, "", asJSON...).header.Get("X-Instance")]++
			}
			for _, n := range answered {
				if n < 18 || n > 22 {
					return false
				}
			}
			return len(answered) == instances
		})
	}
	victim := sys.Instance("invoicing-2")
	pid := victim.Pid()
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	back := false
	for range 2000 { // every one of them must be answered, while it is away and while it comes back
		if s.must(200, "GET", "/invoicing/", "", asJSON...).header.Get("X-Instance") == "invoicing-2" && victim.Pid() != pid {
			back = true
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !back {
		t.Error("the killed instance is not used again")
	}
}

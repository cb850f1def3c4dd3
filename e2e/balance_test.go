package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"msatom/tools/system"
)

// fleet is the instances of a running system. An instance is identified by its X-Instance.
type fleet interface {
	url() string
	instances(service string) []string
	address(instance string) string // host:port, behind Apache
	stop(instance string)           // gracefully; returns when it has ended
	start(instance string)          // returns at once
	kill(instance string)           // and it is not restarted
	freeze(instance string)
	thaw(instance string)
}

var threeServices = []string{"order", "invoicing", "shipping"}

// disturb stops, starts, restarts, kills and freezes instances of all services under load. The only requests that may fail are writes that a
// killed instance was processing and requests that a frozen instance had received. No request that may have been processed is sent twice.
func disturb(t *testing.T, f fleet) {
	third := func() (names []string) {
		for _, service := range threeServices {
			names = append(names, f.instances(service)[2])
		}
		return names
	}()
	each := func(do func(string), names []string) {
		done := make(chan struct{})
		for _, n := range names {
			go func() { do(n); done <- struct{}{} }()
		}
		for range names {
			<-done
		}
	}
	before := placed(t, f)
	l := underLoad(t, f.url(), false, threeServices...)

	t.Run("stopped", func(t *testing.T) {
		began := time.Now()
		each(f.stop, third)
		out(t, l, began, third)
		l.none(t, began, "stopped")
	})

	t.Run("started", func(t *testing.T) {
		began := time.Now()
		each(f.start, third)
		l.used(t, "started", third...)
		l.none(t, began, "started")
	})

	t.Run("balanced evenly", func(t *testing.T) {
		began, before := time.Now(), map[string]int{}
		for _, service := range threeServices {
			for _, i := range f.instances(service) {
				before[i] = answered(t, f.address(i))
			}
		}
		eventually(t, "500 requests to each service", patience, func() bool {
			n := map[string]int{}
			for _, r := range l.since(began) {
				n[strings.Split(r.path, "/")[1]]++
			}
			return min(n["order"], n["invoicing"], n["shipping"]) >= 500
		})
		for _, service := range threeServices {
			eventually(t, "balanced evenly within 10 %: "+service, patience, func() bool { return even(t, f, service, before) })
		}
		l.none(t, began, "balanced evenly")
	})

	t.Run("restarted one by one", func(t *testing.T) {
		for n := range 3 {
			var nth []string
			for _, service := range threeServices {
				nth = append(nth, f.instances(service)[n])
			}
			began := time.Now()
			each(f.stop, nth)
			each(f.start, nth)
			l.used(t, "restarted", nth...)
			l.none(t, began, "restarted")
		}
	})

	t.Run("killed", func(t *testing.T) {
		began := time.Now()
		each(f.kill, third)
		killed := time.Now()
		out(t, l, killed, third)
		// The responses of a killed instance are lost. Apache repeats reads at another instance; writes get an error, because Apache cannot
		// know whether they were processed.
		written := 0
		for _, r := range l.failed(began) {
			if r.method == "GET" || r.began.After(killed) {
				t.Errorf("killed: %s", r)
			} else {
				written++
			}
		}
		if written > writers {
			t.Errorf("%d writes failed, more than were in flight", written)
		}
		t.Logf("killed: %d requests, %d writes in flight failed", len(l.since(began)), written)
		began = time.Now()
		each(f.start, third)
		l.used(t, "back", third...)
		l.none(t, began, "back")
	})

	t.Run("frozen", func(t *testing.T) {
		began := time.Now()
		each(f.freeze, third)
		frozen := time.Now()
		out(t, l, frozen, third)
		for _, r := range l.failed(began) {
			if r.status < 502 || r.took > 30*time.Second || !strings.Contains(r.said, fmt.Sprintf(`"status":%d`, r.status)) {
				t.Errorf("frozen: %s", r)
			}
			if r.method == "POST" && r.began.After(frozen) {
				t.Errorf("another instance could have taken the order: %s", r)
			}
		}
		// A client has one request in flight and waits four seconds for it.
		if n, most := len(l.failed(began)), clients*(1+int(time.Since(began)/(4*time.Second))); n > most {
			t.Errorf("frozen: %d requests failed, more than %d", n, most)
		}
		t.Logf("frozen: %d requests, %d in flight failed", len(l.since(began)), len(l.failed(began)))
		each(f.thaw, third)
		l.used(t, "thawed", third...)
	})

	l.end()
	onlyOnce(t, l, f)
	if n := placed(t, f) - before; n != len(l.orders) {
		t.Errorf("%d orders were placed, %d are in the feed", len(l.orders), n)
	}
	kept(t, f)
}

// moved restarts two instances of invoicing until one has the address that the other had, and stops the other. No request may fail: the
// health check must not take the answer of one instance for that of the other.
func moved(t *testing.T, f containers) {
	both := f.instances("invoicing")[:2]
	before := []string{f.address(both[0]), f.address(both[1])}
	for try := 0; f.address(both[0]) != before[1]; try++ {
		if try == 4 {
			t.Fatalf("the addresses were %v and are %s and %s", before, f.address(both[0]), f.address(both[1]))
		}
		f.stop(both[0])
		f.stop(both[1])
		f.start(both[try%2]) // Docker gives it the lowest free address
		f.start(both[1-try%2])
	}
	client := visit(t, f.url())
	all := map[string]bool{}
	eventually(t, "all three answer", patience, func() bool {
		if a, err := client.ask("GET", "/invoicing/", "", asJSON...); err == nil && a.status == 200 {
			all[a.header.Get("X-Instance")] = true
		}
		return len(all) == 3
	})
	f.stop(both[1])
	for range 200 {
		began := time.Now()
		a, err := client.ask("GET", "/invoicing/", "", asJSON...)
		// A request that is sent to the wrong address fails at once.
		if err != nil || a.status != 200 && time.Since(began) < 1900*time.Millisecond {
			t.Fatal(err, a.status, string(a.body))
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.start(both[1])
}

// placed counts the orders in the feed.
func placed(t *testing.T, f fleet) (n int) {
	t.Helper()
	for _, e := range visit(t, f.url()).entries(t.Context()) {
		if e.Event.Kind == "placed" {
			n++
		}
	}
	return n
}

// out waits until the instances get no more requests after a moment. A request that was sent to them fails, or is a GET that Apache repeated
// after four seconds.
func out(t *testing.T, l *load, moment time.Time, instances []string) {
	t.Helper()
	last := moment
	eventually(t, fmt.Sprint("no more requests to ", instances), patience, func() bool {
		for _, r := range l.since(moment) {
			if repeated := r.method == "GET" && r.took > 3500*time.Millisecond; (repeated || r.failed()) && r.began.After(last) {
				last = r.began
			}
		}
		return time.Since(last) > 7*time.Second // longer than a request takes to fail
	})
	t.Logf("the last request was sent to them after %v", last.Sub(moment).Round(10*time.Millisecond))
}

// onlyOnce compares what the instances of order processed with what the clients sent: nothing was processed twice, and every idempotency
// key names one order.
func onlyOnce(t *testing.T, l *load, f fleet) {
	t.Helper()
	sent, answered := map[string]int{}, map[string]int{}
	for _, r := range l.since(time.Time{}) {
		sent[r.method]++
		if r.done() {
			answered[r.method]++
		}
	}
	done := map[string]int{}
	for _, i := range f.instances("order") {
		for method, n := range carriedOut(t, f.address(i)) {
			done[method] += n
		}
	}
	t.Logf("sent %v, answered %v, processed %v since the last start of the instances", sent, answered, done)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		if done[method] > sent[method] {
			t.Errorf("%s: %d sent, %d processed", method, sent[method], done[method])
		}
	}
	names := map[int64]string{}
	for name, id := range l.orders {
		if other, twice := names[id]; twice {
			t.Errorf("order %d was placed as %q and as %q", id, name, other)
		}
		names[id] = name
	}
}

// even reports whether each instance of a service has answered its share of the requests, within ten percent, since the counts in before.
// The instances count, because the services are clients of the front door too. They are asked one after the other, under load.
func even(t *testing.T, f fleet, service string, before map[string]int) bool {
	t.Helper()
	since, all := map[string]int{}, 0
	for _, i := range f.instances(service) {
		since[i] = answered(t, f.address(i)) - before[i]
		all += since[i]
	}
	t.Logf("%s: %v", service, since)
	for i, n := range since {
		if share := float64(all) / float64(len(since)); float64(n) < 0.9*share || float64(n) > 1.1*share {
			t.Logf("%s answered %d requests of %d: not within 10 %% of its share", i, n, all)
			return false
		}
	}
	return true
}

var counted = regexp.MustCompile(`(?m)^msatom_http_request_seconds_count\{method="(\w+)",route="(/[a-z]+/.*)",status="(\d+)"\} (\d+)$`)

// answered reads from an instance's metrics how many requests to the service it has answered.
func answered(t *testing.T, address string) (n int) {
	for _, m := range counted.FindAllStringSubmatch(metrics(t, address), -1) {
		n += number(m[4])
	}
	return n
}

// carriedOut reads from an instance's metrics how many requests it has processed on orders, by method.
func carriedOut(t *testing.T, address string) map[string]int {
	done := map[string]int{}
	for _, m := range counted.FindAllStringSubmatch(metrics(t, address), -1) {
		if method, route, status := m[1], m[2], m[3]; (route == "/order/" || route == "/order/:id") && status[0] == '2' {
			done[method] += number(m[4])
		}
	}
	return done
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func metrics(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// processes is a fleet without Docker.
type processes struct {
	*testing.T
	sys *system.System
}

func (p processes) url() string { return p.sys.URL() }

func (p processes) instances(service string) (names []string) {
	for _, i := range p.sys.Instances(service) {
		names = append(names, i.Name())
	}
	return names
}

func (p processes) address(instance string) string { return p.sys.Instance(instance).Addr }
func (p processes) stop(instance string)           { p.sys.Instance(instance).Down() }
func (p processes) start(instance string)          { p.check(p.sys.Instance(instance).Up()) }
func (p processes) freeze(instance string)         { p.check(p.sys.Instance(instance).Freeze()) }
func (p processes) thaw(instance string)           { p.check(p.sys.Instance(instance).Thaw()) }

func (p processes) kill(instance string) {
	p.check(p.sys.Instance(instance).Kill())
	p.sys.Instance(instance).Down()
}

func (p processes) check(err error) {
	if err != nil {
		p.Error(err)
	}
}

// Requests are balanced evenly, and clients do not notice stopped, restarted, killed and frozen instances.
func TestBalancing(t *testing.T) {
	three := map[string]int{"order": 3, "invoicing": 3, "shipping": 3}
	sys := run(t, system.Config{Scale: three, Env: []string{"DRAIN=1500ms", "LOG_LEVEL=warn"}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := sys.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	disturb(t, processes{t, sys})
}

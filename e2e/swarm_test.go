package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The tour works on a Swarm with two tasks of each service, and a rolling update of all tasks under load fails no request. The test leaves
// the machine as it found it.
func TestSwarm(t *testing.T) {
	needDocker(t)
	t.Setenv("POLL_SCHEDULE", "@every 5s")
	r := &terminal{t: t, dir: checkout(t), port: freePort(t)}
	if state := strings.TrimSpace(r.run("docker info --format '{{.Swarm.LocalNodeState}}'")); state != "inactive" {
		t.Fatalf("this machine is already part of a Swarm: %s", state)
	}
	networks := func() string {
		return r.run("docker network ls --format '{{.Name}}' | grep -vx docker_gwbridge | sort")
	}
	before := networks()
	r.run("docker swarm init --advertise-addr 127.0.0.1")
	defer func() {
		r.run("docker/stack.sh rm")
		eventually(t, "the tasks' containers are gone", patience, func() bool {
			return r.run("docker ps -aq --filter label=com.docker.stack.namespace="+project) == ""
		})
		// The volume stays in use for a moment after its containers are gone.
		r.run("until docker volume rm " + project + "_postgres; do sleep 0.5; done")
		// On a busy machine, the engine may keep an endpoint in its own network for ever, after the last container that used it has ended.
		r.run("docker swarm leave --force; for i in $(seq 100); do docker network rm docker_gwbridge && break; sleep 0.2; done")
		eventually(t, "all networks are removed", patience, func() bool { return networks() == before })
	}()
	r.run("docker/stack.sh deploy")
	s := visit(t, "http://localhost:"+r.port)
	two := func() bool {
		answered := map[string]bool{}
		for range 4 {
			for _, service := range threeServices {
				if a, err := s.ask("GET", "/"+service+"/", "", asJSON...); err == nil && a.status == 200 {
					answered[a.header.Get("X-Instance")] = true
				}
			}
		}
		return len(answered) == 2*len(threeServices)
	}
	eventually(t, "two tasks of each service answer", 3*time.Minute, two)
	eventually(t, "bonus answers", patience, func() bool { return s.exists("/bonus/") })
	tour(t, s)

	t.Run("rolling update", func(t *testing.T) {
		tasks := func() []string {
			return strings.Fields(r.run("for s in order invoicing shipping; do docker ps -q --filter label=com.docker.swarm.service.name=" + project + "_$s; done"))
		}
		old := tasks()
		l := underLoad(t, s.base, true, threeServices...)
		began := time.Now()
		r.run("for s in order invoicing shipping; do docker service update --quiet --force " + project + "_$s & p=\"$p $!\"; done; for i in $p; do wait $i; done")
		eventually(t, "two new tasks of each service answer", patience, two)
		l.end()
		l.none(t, began, "updated")
		eventually(t, "every task is replaced", patience, func() bool {
			return !slices.ContainsFunc(tasks(), func(id string) bool { return slices.Contains(old, id) })
		})
	})
}

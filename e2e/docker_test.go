package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// project keeps the containers, network and volume of these tests apart from those of a system in use.
const project = "msatom-e2e"

const removeAll = "cd docker && docker-compose down --volumes --remove-orphans"

// The system works in containers: the tour, three instances of invoicing of which one writes, faults under load, and the hardening of
// containers and images.
func TestDocker(t *testing.T) {
	needDocker(t)
	t.Setenv("POLL_SCHEDULE", "@every 5s") // saves time; TestManualDocker uses the default schedule
	r := &terminal{t: t, dir: checkout(t), port: freePort(t)}
	defer func() {
		r.run(removeAll)
		left := r.run(`docker ps -aq --filter label=com.docker.compose.project=` + project + `; docker network ls -q --filter label=com.docker.compose.project=` + project)
		if strings.TrimSpace(left) != "" {
			t.Errorf("left behind: %s", left)
		}
	}()
	r.run(removeAll) // left by an interrupted run
	if out := r.run("make up ORDER=2 SHIPPING=2"); !strings.Contains(out, "ready: http://localhost:"+r.port+"/") {
		t.Fatalf("make up printed\n%s", out)
	}
	s := visit(t, "http://localhost:"+r.port)
	tour(t, s)

	t.Run("browser", func(t *testing.T) { click(t, s.base) })

	t.Run("scaled to three", func(t *testing.T) {
		r.run("cd docker && docker-compose up -d --no-recreate --scale order=2 --scale shipping=2 --scale invoicing=3")
		answered := map[string]bool{}
		eventually(t, "all three answer", patience, func() bool {
			a, err := s.ask("GET", "/invoicing/", "", asJSON...)
			if err == nil && a.status == 200 {
				answered[a.header.Get("X-Instance")] = true
			}
			return len(answered) == 3
		})
		for range 10 {
			s.placeForm("1")
		}
		told := regexp.MustCompile(`invoicing[-_](\d).*msg="invoice (written|already there: ignored)"`)
		eventually(t, "each instance logs what it wrote or ignored", patience, func() bool {
			who, what := map[string]bool{}, map[string]bool{}
			for _, m := range told.FindAllStringSubmatch(r.run("cd docker && docker-compose logs --no-color --tail=40 invoicing"), -1) {
				who[m[1]], what[m[2]] = true, true
			}
			return len(who) == 3 && len(what) == 2
		})
	})

	t.Run("under load", func(t *testing.T) {
		r.run("cd docker && docker-compose up -d --no-recreate --scale order=3 --scale shipping=3 --scale invoicing=3")
		answered := map[string]bool{}
		eventually(t, "all nine answer", patience, func() bool {
			for _, service := range threeServices {
				if a, err := s.ask("GET", "/"+service+"/", "", asJSON...); err == nil && a.status == 200 {
					answered[a.header.Get("X-Instance")] = true
				}
			}
			return len(answered) == 9
		})
		disturb(t, containers{r})
	})

	t.Run("a container gets the address of another", func(t *testing.T) { moved(t, containers{r}) })

	t.Run("slow clients", func(t *testing.T) { slowly(t, s.base) })

	t.Run("what the database sees", func(t *testing.T) {
		(&terminal{t: t, dir: r.dir, port: r.port}).follow("docs/deployment.md", true)
	})

	t.Run("containers are hardened", func(t *testing.T) {
		published := strings.Fields(r.run(`docker ps --filter label=com.docker.compose.project=` + project + ` --format '{{.Ports}}' | grep -o '[0-9.:]*->' | sort -u`))
		for _, p := range published {
			if !strings.HasSuffix(p, ":"+r.port+"->") {
				t.Errorf("published: %s", p)
			}
		}
		facts := r.run(`docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.SecurityOpt}} {{.HostConfig.LogConfig.Config}}' $(docker ps -q --filter label=com.docker.compose.project=` + project + `) | sort -u`)
		for _, l := range strings.Split(strings.TrimSpace(facts), "\n") {
			if !regexp.MustCompile(`^[^ 0r].* true \[ALL\] unless-stopped [1-9]\d* [1-9]\d* \[no-new-privileges:true\] map\[max-file:3 max-size:10m\]$`).MatchString(l) {
				t.Errorf("a container runs as: %s", l)
			}
		}
		for _, service := range threeServices {
			eventually(t, service+" is healthy by its own health check", patience, func() bool {
				healthy := r.run(`docker inspect --format '{{.Config.Healthcheck.Test}} {{.State.Health.Status}}' $(docker ps -q --filter label=com.docker.compose.project=` + project + ` --filter label=com.docker.compose.service=` + service + `) | sort -u`)
				return healthy == "[CMD /service healthcheck] healthy\n"
			})
		}
		if env := r.run(`docker inspect --format '{{.Config.Env}}' $(docker ps -q --filter label=com.docker.compose.project=` + project + `)`); strings.Contains(env, "-trial") {
			t.Errorf("the environment contains a password: %s", env)
		}
	})
	t.Run("images are small", func(t *testing.T) {
		for _, service := range threeServices {
			if size := number(strings.TrimSpace(r.run("docker image inspect --format '{{.Size}}' " + project + "/" + service))); size == 0 || size >= 20_000_000 {
				t.Errorf("the image of %s has %d bytes", service, size)
			}
		}
	})
	t.Run("an image has time zones and certificates", func(t *testing.T) {
		id := strings.TrimSpace(r.run(`docker run -d -e DATABASE_URL=postgres://nobody@127.0.0.1:1/none -e POLL_SCHEDULE="CRON_TZ=Europe/Berlin 0 6 * * *" ` + project + "/invoicing"))
		defer r.run("docker rm -f " + id)
		eventually(t, "invoicing listens", patience, func() bool { return strings.Contains(r.run("docker logs "+id+" 2>&1"), "msg=listening") })
		if n := number(strings.TrimSpace(r.run("docker cp " + id + ":/etc/ssl/certs/ca-certificates.crt - | tar -xO | grep -c BEGIN"))); n < 50 {
			t.Errorf("the image contains %d certificates", n)
		}
	})
	t.Run("the recent document is cached for a second", func(t *testing.T) { keptForASecond(t, containers{r}) })
	t.Run("a service is added to the running system", func(t *testing.T) {
		own := &terminal{t: t, dir: r.dir, port: r.port}
		own.run("make service NAME=points")
		own.follow("docs/adding-a-service.md", true)
	})
	t.Run("a rebuild compiles only what changed", func(t *testing.T) { rebuilt(t, r) })
}

// docker/.env explains every variable in the Compose files.
func TestSettingsOfContainers(t *testing.T) {
	explained, err := os.ReadFile("../docker/.env")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../docker/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\$\{(\w+)`).FindAllSubmatch(text, -1) {
			if !regexp.MustCompile(`(?m)^#?` + string(m[1]) + `=`).Match(explained) {
				t.Errorf("%s: docker/.env does not explain %s", file, m[1])
			}
		}
	}
}

// containers is a fleet in Docker. The id of its container identifies an instance.
type containers struct{ *terminal }

func (c containers) url() string { return "http://localhost:" + c.port }

func (c containers) instances(service string) []string {
	return strings.Fields(c.run(`docker ps -a --filter label=com.docker.compose.project=` + project + ` --filter label=com.docker.compose.service=` + service +
		` --format '{{.Label "com.docker.compose.container-number"}} {{.ID}}' | sort | cut -d ' ' -f 2`))
}

func (c containers) address(instance string) string {
	return strings.TrimSpace(c.run(`docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' `+instance)) + ":8080"
}

// stop fails the test if Docker has to kill the program.
func (c containers) stop(instance string) {
	c.run("docker stop --time 60 " + instance)
	if code := c.run("docker inspect --format '{{.State.ExitCode}}' " + instance); code != "0\n" {
		c.t.Errorf("%s was stopped and exited with %s", instance, code)
	}
}

func (c containers) start(instance string)  { c.run("docker start " + instance) }
func (c containers) kill(instance string)   { c.run("docker kill " + instance) }
func (c containers) freeze(instance string) { c.run("docker pause " + instance) }
func (c containers) thaw(instance string)   { c.run("docker unpause " + instance) }

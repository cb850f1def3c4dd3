// The service while its database fails over to a standby.
package main

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"msatom/shared/postgres/pgtest"
)

// The primary crashes or becomes read-only, and its standby is promoted. The service says that it is not ready and refuses orders
// with 503, never with 500. Then it takes orders at the new primary, keeps those of the old one, and leaves that altogether.
func TestFailover(t *testing.T) {
	t.Parallel()
	for name, readOnly := range map[string]bool{"crash": false, "read-only": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, standby, crash := pgtest.Pair(t)
			hosts := hostOf(t, standby) + "," + hostOf(t, primary) // the service chooses, whatever the order
			s := start(t, "postgres://postgres@"+hosts+"/postgres?target_session_attrs=read-write", config{})
			s.wait()
			first := s.place()

			// connections counts those of the service, without those of tests and replication.
			connections := func(c *pgx.Conn, where string) (n int) {
				t.Helper()
				err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'test' AND "+where).Scan(&n)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			tried := func() int {
				a := s.json("POST", "/order/", text(asked(1, 1)))
				if a.status != 201 && (a.status != 503 || a.header.Get("Retry-After") == "") {
					t.Errorf("an order during the failover: %d %v %s", a.status, a.header, a.body)
				}
				return a.status
			}
			old, promoted := connect(t, primary), connect(t, standby)
			s.until("listening at the primary", func() bool { return connections(old, "application_name = 'listen'") == 1 })
			if readOnly {
				execute(t, old, "ALTER SYSTEM SET default_transaction_read_only = on")
				execute(t, old, "SELECT pg_reload_conf()")
			} else {
				crash()
			}
			s.until("unready", func() bool { tried(); return s.get("/readyz").status == 503 })
			execute(t, promoted, "SELECT pg_promote()")
			s.until("ready", func() bool { tried(); return s.get("/readyz").status == 200 })
			s.until("taking orders", func() bool { return tried() == 201 })

			if n := connections(promoted, "true"); n == 0 {
				t.Error("no connection to the new primary")
			}
			if s.get(fmt.Sprintf("/order/%d", first)).status != 200 {
				t.Error("the order of the old primary is lost")
			}
			s.until("listening at the new primary", func() bool { return connections(promoted, "application_name = 'listen'") == 1 })
			if readOnly {
				s.until("away from the old primary", func() bool { return connections(old, "true") == 0 })
			}
		})
	}
}

func hostOf(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// connect opens a connection that is not counted as one of the service.
func connect(t *testing.T, server string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), server+"postgres?application_name=test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func execute(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A newer version migrates the database while an older one serves, then both serve. No request fails.
func TestUpgradeUnderLoad(t *testing.T) {
	t.Parallel()
	var said lockedBuffer
	s := start(t, Config{Dir: t.TempDir(), Scale: map[string]int{"order": 2, "invoicing": 2}, Output: io.MultiWriter(t.Output(), &said),
		Env: []string{"POLL_SCHEDULE=@every 1s", "LOG_LEVEL=warn"}})
	older := client{t, s.Instance("order-1").URL(), s.Instance("invoicing-1").URL()}
	newer := client{t, s.Instance("order-2").URL(), s.Instance("invoicing-2").URL()}
	upgrade := []*Instance{s.Instance("order-2"), s.Instance("invoicing-2")}
	for _, i := range upgrade {
		i.Down()
		i.path = buildNewer(t, s.config.Root, i.Service)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sql := func(query string) string {
		out, err := s.postgres.psql(ctx, database, query)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	allInvoiced := func() {
		for sql(`SELECT count(*) - (SELECT count(*) FROM invoicing.invoice) FROM "order".orders;`) != "0" {
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				t.Fatal("some orders have no invoice: ", err)
			}
		}
	}
	together := func(client func()) *sync.WaitGroup {
		var clients sync.WaitGroup
		for range 3 {
			clients.Go(client)
		}
		return &clients
	}

	older.place()
	allInvoiced()
	together(older.visit).Wait() // now the older version has prepared its statements
	var upgraded atomic.Bool
	before := together(func() {
		for !upgraded.Load() {
			older.visit()
		}
	})
	var failed error
	for _, i := range upgrade {
		failed = errors.Join(failed, i.Up(), i.WaitReady(ctx))
	}
	upgraded.Store(true)
	before.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	together(func() {
		for range 3 {
			older.visit()
			newer.visit()
		}
	}).Wait()
	allInvoiced()

	if got := sql(`SELECT DISTINCT table_schema FROM information_schema.columns WHERE column_name = 'added' ORDER BY 1;`); got != "invoicing\norder" {
		t.Errorf("the newer version has migrated %q, want invoicing and order", got)
	}
	if strings.Contains(said.String(), "SQLSTATE 0A000") {
		t.Error("a statement depends on the columns of a table")
	}
}

// buildNewer builds a service with another migration, which adds a column to each table, and returns the path of the program.
func buildNewer(t *testing.T, root, service string) string {
	t.Helper()
	dir := t.TempDir()
	migration, overlay, program := filepath.Join(dir, "migration.sql"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, service)
	added := filepath.Join(root, service, "migrations", "9999_added.sql")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {added: migration}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{overlay: string(replace), migration: `-- +goose Up
-- +goose StatementBegin
DO $$ DECLARE name text; BEGIN
	FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema AND tablename NOT LIKE 'goose%' LOOP
		EXECUTE format('ALTER TABLE %I ADD COLUMN added text NOT NULL DEFAULT ''''', name);
	END LOOP;
END $$;
-- +goose StatementEnd
`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-trimpath", "-overlay", overlay, "-o", program, "./"+service)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// client sends requests to an instance of order and one of invoicing. Apache is not between them: it would repeat reads that fail.
type client struct {
	t                *testing.T
	order, invoicing string // URLs
}

// visit places an order, changes it, reads everything, and cancels the order.
func (c client) visit() {
	order := c.place()
	c.ask("PUT", order, fmt.Sprintf(someOrder, 2), "Content-Type", "application/json")
	c.ask("GET", order, "")
	for _, path := range []string{"", "?sort=highest", "?name=wolff", "1", "overview"} {
		c.ask("GET", c.order+"/order/"+path, "", "Accept", "text/html")
		c.ask("GET", c.invoicing+"/invoicing/"+path, "", "Accept", "text/html")
	}
	for _, path := range []string{"form.html", "deliveries", "customer/", "item/"} {
		c.ask("GET", c.order+"/order/"+path, "", "Accept", "text/html")
	}
	c.ask("GET", c.invoicing+"/invoicing/state", "")
	for _, dialect := range []string{"application/atom+xml", "application/json", "application/rss+xml", "application/cloudevents-batch+json", "text/html"} {
		c.ask("GET", c.order+"/order/feed", "", "Accept", dialect)
		c.ask("GET", c.invoicing+"/invoicing/feed", "", "Accept", dialect)
	}
	c.ask("DELETE", order, "")
}

// place places an order and returns its URL.
func (c client) place() string {
	return c.order + c.ask("POST", c.order+"/order/", fmt.Sprintf(someOrder, 1), "Content-Type", "application/json").header.Get("Location")
}

const someOrder = `{"customer":1,"shippingAddress":{"street":"s","zip":"z","city":"c"},"billingAddress":{"street":"s","zip":"z","city":"c"},
	"orderLine":[{"count":%d,"item":1},{"count":1,"item":2}]}`

func (c client) ask(method, url, body string, headers ...string) answer {
	got := ask(c.t, method, url, body, headers...)
	for n := 0; n < 5 && got.status == http.StatusServiceUnavailable && strings.Contains(got.body, "took too long"); n++ { // on a slow machine
		got = ask(c.t, method, url, body, headers...)
	}
	if got.status >= 400 {
		c.t.Errorf("%s %s: %d", method, url, got.status)
	}
	return got
}

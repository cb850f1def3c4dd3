package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	pgtest.Main(m)
}

// open prepares a pool, closed at the test's end.
func open(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Pool.Close() })
	return db
}

// watch starts what a service does at its start, until the test ends.
func watch(t *testing.T, db *postgres.DB, m []postgres.Migration) (started <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	c := make(chan struct{})
	wg.Go(func() { db.Watch(ctx, m, func() { close(c) }) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return c
}

func wait(t *testing.T, started <-chan struct{}) {
	t.Helper()
	select {
	case <-started:
	case <-time.After(3 * time.Minute):
		t.Fatal("not started within three minutes")
	}
}

func migration(name string, files ...string) postgres.Migration {
	fs := fstest.MapFS{}
	for i, sql := range files {
		fs[fmt.Sprintf("%04d_file.sql", i+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql)}
	}
	return postgres.Migration{Name: name, Files: fs}
}

// Ten instances start at once on an empty database, then ten newer ones: each file runs once. They may queue longer than
// the role's lock_timeout.
func TestTenInstancesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	if err := db.Exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 100', current_database()); END $$").Error; err != nil {
		t.Fatal(err)
	}
	files := []string{"CREATE TABLE thing (name text); SELECT pg_sleep(0.3);", "INSERT INTO thing VALUES ('of a migration');"}
	for round, m := range [][]postgres.Migration{
		{migration("one", files...), migration("two", "CREATE TABLE other AS SELECT 1;")},
		{migration("one", append(files, "INSERT INTO thing VALUES ('of a newer one'); SELECT pg_sleep(0.3);")...), migration("two", "CREATE TABLE other AS SELECT 1;")},
	} {
		var all []<-chan struct{}
		for range 10 {
			all = append(all, watch(t, open(t, url), m))
		}
		for _, started := range all {
			wait(t, started)
		}
		var things, others int64
		db.Raw("SELECT (SELECT count(*) FROM thing), (SELECT count(*) FROM other)").Row().Scan(&things, &others)
		if things != int64(round+1) || others != 1 {
			t.Errorf("round %d: %d and %d rows of migrations", round, things, others)
		}
	}
}

// A migration that fails is rolled back and retried. Ready gives the reason.
func TestBrokenMigration(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	if ok, why := db.Ready(); ok || why == "" {
		t.Errorf("ready before anything: %v %q", ok, why)
	}
	started := watch(t, db, []postgres.Migration{migration("one", "CREATE TABLE half (a int); SELECT a FROM missing;")})
	for why := ""; !strings.Contains(why, `"missing" does not exist`); time.Sleep(10 * time.Millisecond) {
		if _, why = db.Ready(); t.Context().Err() != nil {
			t.Fatal("no reason is given: ", why)
		}
	}
	var half bool
	if db.Raw("SELECT to_regclass('half') IS NOT NULL").Scan(&half); half {
		t.Error("half of a migration was kept")
	}
	if err := db.Exec("CREATE TABLE missing (a int)").Error; err != nil {
		t.Fatal(err)
	}
	wait(t, started)
	for ok := false; !ok; ok, _ = db.Ready() {
		time.Sleep(10 * time.Millisecond)
	}
}

// There is no migration from the tables that existed before the first release. The reason tells what to do.
func TestOldDatabase(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.URL(t))
	if err := db.Exec("CREATE TABLE feed_event (id int)").Error; err != nil {
		t.Fatal(err)
	}
	watch(t, db, []postgres.Migration{migration("one", "CREATE TABLE one (a int)")})
	for why := ""; !strings.Contains(why, "start with an empty one"); time.Sleep(10 * time.Millisecond) {
		if _, why = db.Ready(); t.Context().Err() != nil {
			t.Fatal("no reason is given: ", why)
		}
	}
}
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config postgres.Config
		fault  string
	}{
		{postgres.Config{URL: "postgres://order@localhost/msatom"}, ""},
		{postgres.Config{URL: "postgres://order@localhost/msatom", PasswordFile: password}, ""},
		{postgres.Config{URL: "postgres://order:very-secret@localhost:port/msatom"}, "DATABASE_URL"},
		{postgres.Config{URL: "postgres://order@localhost/msatom", PasswordFile: password + "2"}, "DATABASE_PASSWORD_FILE"},
	} {
		db, err := postgres.Open(c.config)
		if (err == nil) != (c.fault == "") || err != nil && (!strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "very-secret")) {
			t.Errorf("%v: %v", c.config, err)
		}
		if err == nil {
			db.Pool.Close()
		}
	}
}

// Down distinguishes an unavailable database from a wrong statement, by the errors of real situations.
func TestDown(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.URL(t))
	gone := open(t, "postgres://postgres@127.0.0.1:1/none")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	killed := db.Transaction(func(tx *gorm.DB) error {
		var pid int
		if err := tx.Raw("SELECT pg_backend_pid()").Scan(&pid).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Exec("SELECT pg_terminate_backend(?, 60000)", pid).Error; err != nil {
			t.Fatal(err)
		}
		return tx.Exec("SELECT 1").Error
	})
	idle := db.Transaction(func(tx *gorm.DB) error {
		var pid int
		if err := tx.Raw("SELECT pg_backend_pid() FROM set_config('idle_in_transaction_session_timeout', '1', false)").Scan(&pid).Error; err != nil {
			t.Fatal(err)
		}
		for n := 1; n > 0; time.Sleep(time.Millisecond) {
			if err := db.Raw("SELECT count(*) FROM pg_stat_activity WHERE pid = ?", pid).Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
		}
		return tx.Exec("SELECT 1").Error
	})
	refused := db.Transaction(func(tx *gorm.DB) error {
		_ = tx.Exec("CREATE TABLE r (a int)")
		return tx.Exec("SELECT 1").Error
	}, &sql.TxOptions{ReadOnly: true})
	for _, c := range []struct {
		name string
		err  error
		down bool
		code string
	}{
		{"no error", nil, false, ""},
		{"another error", errors.New("no"), false, ""},
		{"nobody listens", gone.Exec("SELECT 1").Error, true, ""},
		{"no such host", open(t, "postgres://postgres@no.such.host.invalid/none").Exec("SELECT 1").Error, true, ""},
		{"no such database", open(t, strings.Replace(pgtest.URL(t), "/test", "/no_test", 1)).Exec("SELECT 1").Error, true, "3D000"},
		{"killed", killed, true, postgres.Code(killed)},
		{"idle in a transaction", idle, true, postgres.Code(idle)},
		{"syntax", db.Exec("SELEKT").Error, false, "42601"},
		{"unique", db.Exec("CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u VALUES (1), (1)").Error, false, "23505"},
		{"cancelled", db.WithContext(ended).Exec("SELECT 1").Error, false, ""},
		{"statement_timeout", db.Exec("SET statement_timeout = 1; SELECT pg_sleep(1)").Error, false, "57014"},
		{"read-only", db.Transaction(func(tx *gorm.DB) error { return tx.Exec("CREATE TABLE r (a int)").Error }, &sql.TxOptions{ReadOnly: true}), true, "25006"},
		{"after that", refused, true, ""},
		{"wrapped", fmt.Errorf("while: %w", gone.Exec("SELECT 1").Error), true, ""},
	} {
		if down, code := postgres.Down(c.err), postgres.Code(c.err); down != c.down || code != c.code {
			t.Errorf("%s: Down %v, code %q of %T: %v", c.name, down, code, c.err, c.err)
		}
	}
}

// Package postgres connects a service to its own schema. The database may be absent at any time: opening never fails
// for that, Watch waits for it, migrates once it is there, and says once per change of state whether it can be reached.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	gormpg "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Config says where the database is.
type Config struct {
	URL          string `env:"DATABASE_URL,required"`
	PasswordFile string `env:"DATABASE_PASSWORD_FILE"`
}

// DB is a service's database: gorm for its records, Watch for its state.
type DB struct {
	*gorm.DB
	Pool *sql.DB

	config *pgx.ConnConfig

	ready atomic.Bool
	err   atomic.Value // string: why it is not ready
}

// MaxConns bounds the connections of one instance, besides one for notifications: nine instances of three services have 243.
const MaxConns = 8

// Open prepares the pool without connecting. It fails only on a wrong configuration.
func Open(c Config) (*DB, error) {
	pc, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("DATABASE_PASSWORD_FILE: %w", err)
		}
		pc.Password = strings.TrimSpace(string(b))
	}
	if pc.ConnectTimeout == 0 {
		pc.ConnectTimeout = 3 * time.Second
	}
	pc.RuntimeParams["timezone"] = "UTC"
	pool := stdlib.OpenDB(*pc)
	pool.SetMaxOpenConns(MaxConns)
	pool.SetMaxIdleConns(MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	g, err := gorm.Open(gormpg.New(gormpg.Config{Conn: pool}), &gorm.Config{
		Logger:                 logger.Discard,
		TranslateError:         false,
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	})
	if err != nil {
		return nil, err
	}
	db := &DB{DB: g, Pool: pool, config: pc}
	db.err.Store("not connected yet")
	return db, nil
}

// Ready says whether the database was migrated and answered the last time it was asked; if not, why.
func (db *DB) Ready() (bool, string) { return db.ready.Load(), db.err.Load().(string) }

// Migration is a set of SQL files with a version table of its own in the service's schema.
type Migration struct {
	Name  string // names the version table: goose_<Name>
	Files fs.FS  // goose migrations, at its root
}

// Files is the Migration in the folder migrations of a service's embedded files. It panics if there is none.
func Files(name string, files fs.FS) Migration {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return Migration{Name: name, Files: sub}
}

// Watch asks the database every second, until ctx ends. The first time it answers, the migrations are run in their
// order, then seed unless it is nil, both by one instance at a time; then started is called. Every change of state is logged once.
func (db *DB) Watch(ctx context.Context, migrations []Migration, seed func(context.Context) error, started func()) {
	migrated := false
	for {
		err := db.ping(ctx)
		if err != nil && db.ready.Load() {
			err = db.ping(ctx) // the time may have run out because this process itself was held up
		}
		if err == nil && !migrated {
			if err = db.migrate(ctx, migrations, seed); err == nil {
				migrated = true
				started()
			}
		}
		db.report(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func (db *DB) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return db.Pool.PingContext(ctx)
}

func (db *DB) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		if !db.ready.Swap(true) {
			slog.Info("database is ready")
		}
		db.err.Store("")
		return
	}
	if was := db.err.Swap(err.Error()); db.ready.Swap(false) || was == "not connected yet" {
		slog.Warn("database is not ready; waiting for it", "error", err)
	}
}

// Snapshot runs f in a transaction that sees one moment of the database and changes nothing: a record that is read by several
// statements, with its lines for instance, is whole.
func Snapshot(db *gorm.DB, f func(tx *gorm.DB) error) error {
	return db.Transaction(f, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// Code is the SQLSTATE of an error that Postgres answered with, or "".
func Code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// Down says whether an error means that the database could not be reached or is going down, not that a statement was wrong.
func Down(err error) bool {
	if err == nil {
		return false
	}
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) {
		return true // even where Postgres says why, as for a database that is not there yet
	}
	switch c := Code(err); {
	case strings.HasPrefix(c, "08"), strings.HasPrefix(c, "53"), strings.HasPrefix(c, "57P"):
		return true // connection exception, insufficient resources, operator intervention
	case c != "":
		return false
	}
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "unexpected EOF") ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "connection reset")
}

// Package postgres connects a service to its own schema: connection pool, migrations, notifications, lists as parameters.
// SQL belongs to the packages that own the tables.
//
// The database may be unavailable at any time, also at the start. Open does not connect; Watch retries until the database
// answers, migrates it, and from then on reports whether it is available. A server that accepts no writes, such as a standby, is not.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	gormpg "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Config is where the database is, read from the environment.
type Config struct {
	URL          string `env:"DATABASE_URL,required"`
	PasswordFile string `env:"DATABASE_PASSWORD_FILE"`
}

// DB is a service's database: gorm for single records, Pool for the rest.
type DB struct {
	*gorm.DB
	Pool *sql.DB

	config    *pgx.ConnConfig
	why       atomic.Value // string: why it is not ready, or ""
	keepsNone bool         // whether the pool keeps no connection; used by ping only
}

// MaxConns is the maximum number of connections of one instance, besides one for notifications. Nine instances of each of three
// services have 243.
const MaxConns = 8

// Open prepares the pool without connecting. It fails only if the configuration is wrong.
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
		pc.ConnectTimeout = patience / time.Duration(hosts(pc)) // of each host, so that one which hangs leaves time for the others
	}
	pc.RuntimeParams["timezone"] = "UTC"
	keep := pc.OnPgError
	pc.OnPgError = func(c *pgconn.PgConn, err *pgconn.PgError) bool { return keep(c, err) && err.Code != readOnly } // or close it
	pool := stdlib.OpenDB(*pc, stdlib.OptionAfterConnect(func(_ context.Context, c *pgx.Conn) error {
		utc := &pgtype.TimestamptzCodec{ScanLocation: time.UTC} // otherwise times are read in the zone of this process
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: utc})
		return nil
	}))
	pool.SetMaxOpenConns(MaxConns)
	pool.SetMaxIdleConns(MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	g, err := gorm.Open(gormpg.New(gormpg.Config{Conn: pool}), &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
		QueryFields:            true, // never SELECT *: an older instance reads a table to which a newer one has added columns
		DisableAutomaticPing:   true,
		NowFunc:                func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	})
	if err != nil {
		return nil, err
	}
	db := &DB{DB: g, Pool: pool, config: pc}
	db.why.Store(notConnected)
	return db, nil
}

// patience is how long the database may take to answer a ping, including the time to connect.
const patience = 3 * time.Second

// hosts returns the number of hosts in the configuration. Where TLS is optional, each is there twice in a row.
func hosts(c *pgx.ConnConfig) int {
	n, host, port := 1, c.Host, c.Port
	for _, f := range c.Fallbacks {
		if f.Host != host || f.Port != port {
			n, host, port = n+1, f.Host, f.Port
		}
	}
	return n
}

const notConnected = "not connected yet"

// Ready reports whether the schema is migrated and the database answered the last ping; if not, it returns the reason.
func (db *DB) Ready() (bool, string) {
	why := db.why.Load().(string)
	return why == "", why
}

// Migration is the set of SQL files of one package. Its version table is in the service's schema.
type Migration struct {
	Name  string // names the version table: goose_<Name>
	Files fs.FS  // goose migrations, at its root
}

// Files returns the Migration in the directory migrations of embedded files.
func Files(name string, files fs.FS) Migration {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err)
	}
	return Migration{Name: name, Files: sub}
}

// Watch pings the database every second until ctx ends. When it answers for the first time, Watch calls Migrate, then started.
// Each change between available and unavailable is logged once.
func (db *DB) Watch(ctx context.Context, migrations []Migration, started func()) {
	for migrated := false; ; {
		err := db.ping(ctx)
		if ready, _ := db.Ready(); err != nil && ready {
			err = db.ping(ctx) // one timeout may come from a pause of this process
		}
		if err == nil && !migrated {
			if err = db.Migrate(ctx, migrations); err == nil {
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

// readOnly is the SQLSTATE of a write that a standby, a former primary or a read-only transaction refuses.
const readOnly = "25006"

// idleTooLong is the SQLSTATE with which Postgres ends a connection that did nothing inside a transaction, such as that of a frozen process.
const idleTooLong = "25P03"

var errReadOnly = errors.New("the database is read-only")

const askIfReadOnly = "SELECT current_setting('transaction_read_only')::boolean"

// writable returns an error unless the answer to askIfReadOnly is no.
func writable(answer interface{ Scan(...any) error }) error {
	var is bool
	if err := answer.Scan(&is); err != nil {
		return err
	}
	if is {
		return errReadOnly
	}
	return nil
}

// ping returns an error unless the database accepts writes. The pool keeps no connection while ping fails, since each may lead to a
// server that has failed or is the primary no more. New ones lead to the server that has taken over.
func (db *DB) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := writable(db.Pool.QueryRowContext(ctx, askIfReadOnly))
	switch {
	case err != nil:
		db.Pool.SetMaxIdleConns(0)
		db.keepsNone = true
	case db.keepsNone:
		db.Pool.SetMaxIdleConns(MaxConns)
		db.keepsNone = false
	}
	return err
}

func (db *DB) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	why := ""
	if err != nil {
		why = err.Error()
	}
	was := db.why.Swap(why)
	switch {
	case err == nil && was != "":
		slog.Info("database available")
	case err != nil && (was == "" || was == notConnected):
		slog.Warn("database unavailable, retrying", "error", err)
	}
}

// Snapshot runs f in a read-only transaction whose statements all see the same state of the database. So a record that takes
// several statements to read, for example with its lines, is consistent.
func Snapshot(db *gorm.DB, f func(tx *gorm.DB) error) error {
	return db.Transaction(f, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// Code returns the SQLSTATE of an error from Postgres, or "".
func Code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// Down reports whether an error means that the database is unavailable, and not that a statement is wrong.
func Down(err error) bool {
	var failed *pgconn.ConnectError
	if errors.As(err, &failed) {
		return true // also with a SQLSTATE, such as that of a database that does not exist yet
	}
	if c := Code(err); c != "" { // connection exception, insufficient resources, operator intervention, read-only server, idle too long
		return strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57P") || c == readOnly || c == idleTooLong
	}
	var broken net.Error
	return errors.As(err, &broken) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) || err != nil && strings.Contains(err.Error(), "conn closed")
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// giveWay is how long a migration waits for a lock before it fails; Watch then tries again. Requests to older instances that need the same
// table queue behind it. It is much shorter than Postgres' deadlock_timeout, one second: so in a deadlock the migration fails, not a request.
const giveWay = "300ms"

// maxQueue is how long Migrate waits for an instance that migrates. If two migrate at once, one of them fails, and Watch tries again.
const maxQueue = "10s"

const lockNotAvailable = "55P03" // SQLSTATE

// Migrate runs the migrations in their order and makes the database ready. If several instances start at once, they queue for an advisory
// lock: the first migrates, the others find nothing to do. (goose's own session lock is polled only once a second.) Every role of the
// database can take that lock, so Migrate does not wait for it longer than maxQueue.
func (db *DB) Migrate(ctx context.Context, migrations []Migration) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	config := db.config.Copy()
	config.RuntimeParams["lock_timeout"] = maxQueue
	queue, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer queue.Close(ctx) // releases the lock
	_, err = queue.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended('msatom migrate ' || current_schema(), 0))")
	if Code(err) == lockNotAvailable {
		slog.Warn("migrating without waiting any longer for the session that holds the lock", "waited", maxQueue)
	} else if err != nil {
		return err
	}
	var old bool
	if err := queue.QueryRow(ctx, "SELECT to_regclass('feed_event') IS NOT NULL").Scan(&old); err != nil {
		return err
	}
	if old {
		return errors.New("the database was created by a version before the first release, whose tables differ: start with an empty one")
	}
	config = db.config.Copy()
	config.RuntimeParams["lock_timeout"] = giveWay
	pool := stdlib.OpenDB(*config)
	defer pool.Close()
	for _, m := range migrations {
		p, err := goose.NewProvider(goose.DialectPostgres, pool, m.Files, goose.WithTableName("goose_"+m.Name))
		if err != nil {
			return fmt.Errorf("migrations of %s: %w", m.Name, err)
		}
		done, err := p.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrating %s: %w", m.Name, err)
		}
		for _, r := range done {
			slog.Info("migrated", "package", m.Name, "file", r.Source.Path, "took", r.Duration.Round(time.Millisecond))
		}
	}
	db.report(ctx, nil)
	return nil
}

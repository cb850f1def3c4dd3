package postgres

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
)

// migrate brings the schema up to date. Ten instances may start at once: they queue for one advisory lock of the
// schema, the first migrates, the others find it done. (goose's own session lock asks again only every second.)
func (db *DB) migrate(ctx context.Context, migrations []Migration, seed func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := db.Pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var schema string
	if err := conn.QueryRowContext(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return fmt.Errorf("the role has no schema of its own: %w", err)
	}
	key := lockKey("msatom migrate " + schema)
	// The queue may be longer than the lock_timeout that the role has for its requests.
	if _, err := conn.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key)
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "RESET lock_timeout")
	}()
	for _, m := range migrations {
		p, err := goose.NewProvider(goose.DialectPostgres, db.Pool, m.Files, goose.WithTableName("goose_"+m.Name))
		if err != nil {
			return fmt.Errorf("migrations of %s: %w", m.Name, err)
		}
		done, err := p.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrating %s: %w", m.Name, err)
		}
		for _, r := range done {
			slog.Info("migrated", "schema", schema, "file", r.Source.Path, "took", r.Duration.Round(time.Millisecond))
		}
	}
	if seed == nil {
		return nil
	}
	return seed(ctx)
}

func lockKey(s string) int64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return int64(h.Sum64())
}

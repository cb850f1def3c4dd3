package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Listen calls notified with the payload of each notification of a channel, until ctx ends. The name of the channel is prefix and
// the schema. Listen uses a connection of its own and reconnects when that is lost. Notifications in between are lost, so Listen
// also calls notified, with "", whenever it has connected.
func (db *DB) Listen(ctx context.Context, prefix string, notified func(payload string)) {
	lost := false
	for ctx.Err() == nil {
		err := db.listen(ctx, prefix, func(payload string) {
			if lost {
				lost = false
				slog.Info("LISTEN connection restored", "channel", prefix)
			}
			notified(payload)
		})
		if !lost && ctx.Err() == nil {
			lost = true
			slog.Warn("LISTEN connection lost, falling back to polling", "channel", prefix, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (db *DB) listen(ctx context.Context, prefix string, notified func(payload string)) error {
	start, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	config := db.config.Copy()
	config.RuntimeParams["application_name"] = "listen" // tells it in pg_stat_activity from those of the pool
	c, err := pgx.ConnectConfig(start, config)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var channel string
	if err := c.QueryRow(start, "SELECT quote_ident($1 || current_schema())", prefix).Scan(&channel); err != nil {
		return err
	}
	if _, err := c.Exec(start, "LISTEN "+channel); err != nil {
		return err
	}
	for payload := ""; ; {
		notified(payload)
		if payload, err = next(ctx, c); err != nil {
			return err
		}
	}
}

// quiet is after how long without a notification the server is asked whether it still accepts writes. If not, nobody notifies there
// any more, and nothing else would tell.
const quiet = 5 * time.Second

// next waits for a notification and returns its payload.
func next(ctx context.Context, c *pgx.Conn) (string, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, quiet)
		n, err := c.WaitForNotification(waiting)
		cancel()
		if err == nil {
			return n.Payload, nil
		}
		if ctx.Err() != nil || !pgconn.Timeout(err) {
			return "", err
		}
		asking, cancel := context.WithTimeout(ctx, patience)
		err = writable(c.QueryRow(asking, askIfReadOnly))
		cancel()
		if err != nil {
			return "", err
		}
	}
}

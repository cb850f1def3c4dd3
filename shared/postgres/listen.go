package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// Listen calls heard with its payload whenever another session notifies the channel, until ctx ends. It has a connection of its
// own, and makes a new one when that is lost; what was notified meanwhile is lost too, so heard is also called after each
// connecting, with "".
func (db *DB) Listen(ctx context.Context, channel string, heard func(payload string)) {
	lost := false
	for ctx.Err() == nil {
		err := db.listen(ctx, channel, func(payload string) {
			if lost {
				lost = false
				slog.Info("notifications are heard again", "channel", channel)
			}
			heard(payload)
		})
		if !lost && ctx.Err() == nil {
			lost = true
			slog.Warn("notifications are not heard; looking at intervals instead", "channel", channel, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (db *DB) listen(ctx context.Context, channel string, heard func(payload string)) error {
	c, err := pgx.ConnectConfig(ctx, db.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.Close(end)
	}()
	if _, err := c.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for payload := ""; ; {
		heard(payload)
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		payload = n.Payload
	}
}

// Publishing again what a consumer has passed over. An order that it has not acknowledged while it has acknowledged later ones
// was lost on its way or could not be processed there: after REPUBLISH_AFTER it is published again, then after pauses twice as long
// each time, five times in all. A consumer that is behind or away is not passed over: it finds all that it needs in the log.
package main

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// Bounds of republication.
const (
	maxRepublications = 5
	republishedAtOnce = 100
)

// republisher looks for orders to publish again.
type republisher struct {
	orders     *Orders
	deliveries *Deliveries
	after      time.Duration
}

// Run looks four times in each period, until ctx ends.
func (r *republisher) Run(ctx context.Context) {
	ticker := time.NewTicker(min(max(r.after/4, time.Second), time.Minute))
	defer ticker.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.look(ctx)
		if ctx.Err() == nil && failing != (err != nil) {
			if failing = err != nil; failing {
				slog.Warn("cannot look for orders to publish again; trying again", "error", err)
			}
		}
	}
}

// look publishes again what is due. Of several instances that look at once, each order is published by the first: it moves the
// order's latest entry, under the order's lock, and the order is not due any more.
func (r *republisher) look(ctx context.Context) error {
	var due []int64
	err := r.orders.db.WithContext(ctx).Raw(`SELECT DISTINCT h.order_id FROM delivery_hole h JOIN orders o ON o.id = h.order_id
		LEFT JOIN republication r USING (order_id)
		WHERE h.consumer IN ? AND coalesce(r.attempts, 0) < ? AND `+isDue+` LIMIT ?`,
		r.deliveries.consumers(), maxRepublications, r.after.Seconds(), republishedAtOnce).Scan(&due).Error
	for _, id := range due {
		if err != nil {
			return err
		}
		err = r.republish(ctx, id)
	}
	return err
}

// isDue says whether the order's latest entry is older than the pause: r.attempts times doubled.
const isDue = `EXISTS (SELECT FROM feed_event e LEFT JOIN feed_position p ON p.event_id = e.id
	WHERE e.id = (SELECT max(id) FROM feed_event WHERE subject = h.order_id)
	  AND coalesce(p.published, p.updated) < clock_timestamp() - make_interval(secs => ? * 2 ^ coalesce(r.attempts, 0)))`

func (r *republisher) republish(ctx context.Context, id int64) error {
	again := false
	err := r.orders.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := r.orders.lock(tx, id, ""); err != nil {
			return err
		}
		counted := tx.Exec(`INSERT INTO republication AS r SELECT h.order_id, coalesce(r.attempts, 0) + 1
			FROM (SELECT ?::bigint AS order_id) h LEFT JOIN republication r USING (order_id) WHERE `+isDue+`
			ON CONFLICT (order_id) DO UPDATE SET attempts = excluded.attempts`, id, r.after.Seconds())
		if counted.Error != nil || counted.RowsAffected == 0 {
			return counted.Error // another instance was faster, or the order has changed
		}
		_, err := r.orders.log.Repeat(tx, id)
		again = err == nil
		return err
	})
	if again {
		slog.Warn("order published again, as a consumer has passed it over", "order", id)
	}
	return err
}

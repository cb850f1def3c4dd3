// Automatic republication. A consumer that has acknowledged later entries but not those of an order
// has lost the order or could not process it. After REPUBLISH_AFTER the order is published again,
// then after pauses that double, five times in all. A consumer that is behind or down gets no
// republication: it will find everything in the log.
package main

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

const (
	maxRepublications = 5
	republishBatch    = 100
)

// republisher republishes orders that a consumer has skipped.
type republisher struct {
	orders     *Orders
	deliveries *Deliveries
	after      time.Duration
}

// Run looks for such orders four times in each period, until ctx ends. It returns at once if after is
// 0 or no consumer is followed.
func (r *republisher) Run(ctx context.Context) {
	if r.after == 0 || len(r.deliveries.followers) == 0 {
		return
	}
	ticker := time.NewTicker(min(max(r.after/4, time.Second), time.Minute))
	defer ticker.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.republishDue(ctx)
		if ctx.Err() == nil && failing != (err != nil) {
			if failing = err != nil; failing {
				slog.Warn("automatic republication failed, retrying", "error", err)
			} else {
				slog.Info("automatic republication works again")
			}
		}
	}
}

// isDue holds for an order h.order_id whose latest entry is older than the pause, doubled
// r.attempts times.
const isDue = `EXISTS (SELECT FROM outbox_event e LEFT JOIN outbox_position p ON p.event_id = e.id
	WHERE e.id = (SELECT max(id) FROM outbox_event WHERE subject = h.order_id)
	  AND coalesce(p.published, p.updated) < clock_timestamp() - make_interval(secs => ? * 2 ^ coalesce(r.attempts, 0)))`

// republishDue republishes what is due.
func (r *republisher) republishDue(ctx context.Context) error {
	var due []int64
	err := r.orders.db.WithContext(ctx).Raw(`SELECT DISTINCT h.order_id FROM delivery_hole h JOIN orders o ON o.id = h.order_id
		LEFT JOIN republication r USING (order_id)
		WHERE h.consumer = ANY (?) AND coalesce(r.attempts, 0) < ? AND `+isDue+` LIMIT ?`,
		postgres.Array(r.deliveries.consumers()), maxRepublications, r.after.Seconds(), republishBatch).Scan(&due).Error
	for _, id := range due {
		if err != nil {
			return err
		}
		err = r.republish(ctx, id)
	}
	return err
}

// republish republishes an order that is still due. When several instances try at once, the first
// moves the order's latest entry under the order's lock, so for the others the order is no longer
// due.
func (r *republisher) republish(ctx context.Context, id int64) error {
	republished := false
	err := r.orders.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := lockIf(tx, id, precondition{}); err != nil {
			return err
		}
		counted := tx.Exec(`INSERT INTO republication AS r (order_id, attempts) SELECT h.order_id, coalesce(r.attempts, 0) + 1
			FROM (SELECT ?::bigint AS order_id) h LEFT JOIN republication r USING (order_id) WHERE `+isDue+`
			ON CONFLICT (order_id) DO UPDATE SET attempts = excluded.attempts`, id, r.after.Seconds())
		if counted.Error != nil || counted.RowsAffected == 0 {
			return counted.Error
		}
		_, err := r.orders.log.Repeat(tx, id)
		republished = err == nil
		return err
	})
	if republished {
		slog.Warn("order republished because a consumer skipped it", "order", id)
	}
	return err
}

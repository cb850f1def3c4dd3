// Placing, changing and cancelling orders. Each is one transaction that saves the order and records
// what happened as an event (feed.go). It returns after the event has been published, so a client
// that has its answer finds the order in the feed.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"msatom/shared/outbox"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// Orders changes and reads orders.
type Orders struct {
	db      *gorm.DB
	log     *outbox.Log
	changes chan struct{} // holds one element per running transaction
}

// newOrders returns Orders that use at most half of the connections for changes. Many changes that
// wait for the same order leave the other half to readers, the sequencer and the health check.
func newOrders(db *gorm.DB, log *outbox.Log) *Orders {
	return &Orders{db, log, make(chan struct{}, postgres.MaxConns/2)}
}

// Place places an order. If the idempotency key of d has placed one before, Place returns that
// order, and problem.Error 422 if it is another order than d asks for. While the first request is in
// progress, the repeated one waits for it. Other errors: problem.Error 422.
func (s *Orders) Place(ctx context.Context, d Draft) (Order, error) {
	o, err := d.order(s.db.WithContext(ctx), nil)
	if err != nil {
		return o, err
	}
	hash := ""
	if o.Request != nil {
		if hash, err = o.hash(); err != nil {
			return o, err
		}
	}
	o.RequestHash = hash
	repeated := false
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		created := tx.Omit(clause.Associations).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "request"}}, DoNothing: true}).Create(&o)
		if created.Error != nil {
			return created.Error
		}
		if repeated = created.RowsAffected == 0; repeated {
			if o, err = lock(tx, "request = ?", d.Request); err == nil && o.RequestHash != hash {
				err = problem.Invalid(problem.Field{Name: idempotencyKey, Detail: fmt.Sprintf("has already placed order %d, with different values", o.ID)})
			}
			return err
		}
		if err := insertLines(tx, o); err != nil {
			return err
		}
		return record(tx, s.log, placed, o)
	})
	if err == nil {
		slog.Info("order placed", "order", o.ID, "customer", o.CustomerID, "lines", o.NumberOfLines, "repeated", repeated)
		s.publish(ctx, &o)
	}
	return o, err
}

// idempotencyKey is the header with which a client names a request, so that it can repeat it
// (draft-ietf-httpapi-idempotency-key-header).
const idempotencyKey = "Idempotency-Key"

// isKeyReused reports whether an error of Place says that the key has placed another order.
func isKeyReused(p *problem.Error) bool {
	return len(p.Fields) == 1 && p.Fields[0].Name == idempotencyKey
}

// Change replaces what a client may say about an order. Items that were in the order keep their
// price. Errors: problem.Error 404, 409 if the order is cancelled, 412 if p does not allow it, 422.
// With the last two, the Order is the current one.
func (s *Orders) Change(ctx context.Context, id int64, p precondition, d Draft) (o Order, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if o, err = lockIf(tx, id, p); err != nil {
			return err
		}
		if o.Status == cancelled {
			return problem.Conflict("Order %d is cancelled and cannot be changed.", id)
		}
		now, err := d.order(tx, o.Lines)
		if err != nil {
			return err
		}
		now.ID, now.Version, now.Request, now.RequestHash = o.ID, o.Version+1, o.Request, o.RequestHash
		if err := tx.Omit(clause.Associations).Save(&now).Error; err != nil {
			return err
		}
		if err := tx.Where("order_id = ?", id).Delete(&Line{}).Error; err != nil {
			return err
		}
		if err := insertLines(tx, now); err != nil {
			return err
		}
		o = now
		return record(tx, s.log, changed, o)
	})
	if err == nil {
		slog.Info("order changed", "order", o.ID, "customer", o.CustomerID, "lines", o.NumberOfLines)
		s.publish(ctx, &o)
	}
	return o, err
}

// Cancel cancels an order, which stays readable. Cancelling it again changes nothing. Errors:
// problem.Error 404, 412.
func (s *Orders) Cancel(ctx context.Context, id int64, p precondition) (o Order, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if o, err = lockIf(tx, id, p); err != nil || o.Status == cancelled {
			return err
		}
		o.Status, o.Version, o.Changed = cancelled, o.Version+1, tx.NowFunc()
		if err := tx.Model(&o).Select("status", "version", "changed").Updates(&o).Error; err != nil {
			return err
		}
		return record(tx, s.log, cancelled, o)
	})
	if err == nil {
		slog.Info("order cancelled", "order", id)
		s.publish(ctx, &o)
	}
	return o, err
}

// Republish publishes an order again, unchanged: as a new entry with the same snapshot, which the
// consumers acknowledge again. Errors: problem.Error 404, 409 if its latest event has not been
// published yet, 412.
func (s *Orders) Republish(ctx context.Context, id int64, p precondition) (o Order, err error) {
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		if o, err = lockIf(tx, id, p); err != nil {
			return err
		}
		repeated, err := s.log.Repeat(tx, id)
		if err == nil && !repeated {
			err = problem.Conflict("Order %d was not published again: its latest change is still being published. Try again in a moment.", id)
		}
		return err
	})
	if err == nil {
		slog.Info("order republished", "order", id)
		s.publish(ctx, &o)
	}
	return o, err
}

// transaction runs f in a transaction as soon as a connection for changes is free.
func (s *Orders) transaction(ctx context.Context, f func(tx *gorm.DB) error) error {
	select {
	case s.changes <- struct{}{}:
		defer func() { <-s.changes }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.db.WithContext(ctx).Transaction(f)
}

func insertLines(tx *gorm.DB, o Order) error {
	for i := range o.Lines {
		o.Lines[i].OrderID = o.ID
	}
	return tx.Create(&o.Lines).Error
}

// publish waits until the event just committed is in the feed, and sets when it was published, which
// only the log knows. If that takes too long, the event is safe in the outbox and is published
// later: the change is made in any case.
func (s *Orders) publish(ctx context.Context, o *Order) {
	if err := s.log.Publish(ctx); err != nil {
		slog.Debug("event not published yet", "error", err)
	}
	o.Updated = o.Changed.Truncate(time.Second)
	err := s.db.WithContext(ctx).Raw("SELECT "+orderUpdated+" FROM orders WHERE id = ?", o.ID).Row().Scan(&o.Updated)
	if err != nil {
		slog.Warn("cannot read when an order was published", "order", o.ID, "error", err)
	}
}

// Reading orders: one, for reading or for a change, and lists.
package main

import (
	"context"
	"errors"
	"net/http"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"msatom/shared/list"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// orderUpdated is when the latest entry of an order was published, or before it is, when it was
// changed. The original's feed library misreads fractions of a second.
const orderUpdated = "date_trunc('second', coalesce(outbox_updated(id), changed)) AS updated"

// orderColumns are the columns of an Order.
const orderColumns = `id, status, customer_id, version, request, request_hash, changed, total,
	shipping_street, shipping_zip, shipping_city, billing_street, billing_zip, billing_city, ` + orderUpdated

// withAssociations selects whole orders. They are consistent in a transaction with one snapshot, or
// under the order's lock.
func withAssociations(db *gorm.DB) *gorm.DB {
	return db.Select(orderColumns).Preload("Customer").
		Preload("Lines", func(db *gorm.DB) *gorm.DB { return db.Order("number") })
}

// Get reads an order. Errors: problem.Error 404.
func (s *Orders) Get(ctx context.Context, id int64) (o Order, err error) {
	err = postgres.Snapshot(s.db.WithContext(ctx), func(tx *gorm.DB) error {
		return withAssociations(tx).Take(&o, "id = ?", id).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return o, notFound(id)
	}
	return o, err
}

func notFound(id int64) error { return problem.NotFound("There is no order %d.", id) }

// lock reads the order that meets a condition and locks it against other changes. No other
// transaction can then change its lines.
func lock(tx *gorm.DB, condition string, value any) (o Order, err error) {
	err = withAssociations(tx).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&o, condition, value).Error
	return o, err
}

// lockIf locks an order for a change if the precondition allows it. Errors: problem.Error 404, or 412
// with the Order as it is.
func lockIf(tx *gorm.DB, id int64, p precondition) (o Order, err error) {
	o, err = lock(tx, "id = ?", id)
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return o, notFound(id)
	case err == nil && !p.allows(o):
		if o.Status == cancelled {
			return o, problem.New(http.StatusPreconditionFailed, "Order %d has been cancelled in the meantime and cannot be changed.", id)
		}
		return o, problem.New(http.StatusPreconditionFailed, "Order %d has changed since you read it, so nothing was done. Read the order again before you repeat the request.", id)
	}
	return o, err
}

// List reads a part of the orders and reports whether there are more after it. Errors:
// problem.Error 422.
func (s *Orders) List(ctx context.Context, part list.Part) (orders []Order, more bool, err error) {
	q, err := part.Of(withAssociations(s.db.WithContext(ctx)), "orders")
	if err != nil {
		return nil, false, err
	}
	err = postgres.Snapshot(q, func(tx *gorm.DB) error { return tx.Find(&orders).Error })
	orders, more = list.Cut(orders, part.Limit)
	return orders, more, err
}

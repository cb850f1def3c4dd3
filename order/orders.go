// Placing, changing, cancelling and reading orders. Every change is one transaction that also records the event; after its
// commit the caller waits until the event is published, so that whoever got an answer finds the order in the feed.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"msatom/shared/feed"
	"msatom/shared/list"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// Orders is all orders.
type Orders struct {
	db      *gorm.DB
	log     *feed.Log
	changes chan struct{} // one for each change in its transaction
}

// newOrders lets changes have half of the connections at most: many that wait for one order's row leave the other half to
// readers, the log and the health check.
func newOrders(db *gorm.DB, log *feed.Log) *Orders {
	return &Orders{db, log, make(chan struct{}, postgres.MaxConns/2)}
}

// Place takes an order. A draft with the name of a request that has placed an order already returns that one. Errors:
// problem.Error 422 with each fault.
func (s *Orders) Place(ctx context.Context, d Draft) (Order, error) {
	return s.change(ctx, func(tx *gorm.DB) (string, Order, error) {
		o, err := s.fill(tx, d, nil)
		if err != nil {
			return "", o, err
		}
		o.Status = placed
		if d.Request != "" {
			o.Request = &d.Request
		}
		created := tx.Omit(clause.Associations).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "request"}}, DoNothing: true}).Create(&o)
		if created.Error != nil {
			return "", o, created.Error
		}
		if created.RowsAffected == 0 {
			err := tx.Take(&o, "request = ?", d.Request).Error
			return "", o, err
		}
		return placed, o, s.writeLines(tx, &o)
	})
}

// Change replaces what a client may say about an order. Lines of items that it had keep their price. match is "" or the
// entity tag of the order that the client changed. Errors: problem.Error 404, 409 if it is cancelled, 412 if it has changed, 422.
func (s *Orders) Change(ctx context.Context, id int64, match string, d Draft) (Order, error) {
	return s.change(ctx, func(tx *gorm.DB) (string, Order, error) {
		old, err := s.lock(tx, id, match)
		if err != nil {
			return "", old, err
		}
		if old.Status == cancelled {
			return "", old, problem.Conflict("Order %d is cancelled; it cannot be changed.", id)
		}
		o, err := s.fill(tx, d, old.Lines)
		if err != nil {
			return "", o, err
		}
		o.ID, o.Status, o.Version, o.Request = old.ID, old.Status, old.Version+1, old.Request
		if err := tx.Omit(clause.Associations).Save(&o).Error; err != nil {
			return "", o, err
		}
		if err := tx.Where("order_id = ?", id).Delete(&Line{}).Error; err != nil {
			return "", o, err
		}
		return changed, o, s.writeLines(tx, &o)
	})
}

// Cancel cancels an order, which stays readable. Cancelling it again changes nothing. Errors: problem.Error 404, 412.
func (s *Orders) Cancel(ctx context.Context, id int64, match string) (Order, error) {
	return s.change(ctx, func(tx *gorm.DB) (string, Order, error) {
		o, err := s.lock(tx, id, match)
		if err != nil || o.Status == cancelled {
			return "", o, err
		}
		o.Status, o.Version, o.Changed = cancelled, o.Version+1, tx.NowFunc()
		return cancelled, o, tx.Model(&o).Select("status", "version", "changed").Updates(&o).Error
	})
}

// Republish publishes an order again, as it is: a new entry with the same snapshot, which the consumers acknowledge anew.
// Errors: problem.Error 404, 409 if its latest entry is not published yet.
func (s *Orders) Republish(ctx context.Context, id int64) (Order, error) {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if _, err := s.lock(tx, id, ""); err != nil {
			return err
		}
		again, err := s.log.Repeat(tx, id)
		if err == nil && !again {
			err = problem.Conflict("Order %d is about to be published.", id)
		}
		return err
	})
	if err != nil {
		return Order{}, err
	}
	slog.Info("order published again", "order", id)
	if err := s.log.Publish(ctx); err != nil {
		slog.Debug("published later", "order", id, "error", err)
	}
	return s.Get(ctx, id)
}

// change runs f in a transaction, records the event of the kind it returns ("" for none), publishes it, and reads the order.
func (s *Orders) change(ctx context.Context, f func(tx *gorm.DB) (kind string, o Order, err error)) (Order, error) {
	var o Order
	var kind string
	err := s.transaction(ctx, func(tx *gorm.DB) (err error) {
		if kind, o, err = f(tx); err != nil || kind == "" {
			return err
		}
		o.NumberOfLines = len(o.Lines)
		return record(tx, s.log, kind, o)
	})
	if err != nil {
		return o, err
	}
	if kind != "" {
		slog.Info("order "+kind, "order", o.ID, "customer", o.CustomerID, "lines", len(o.Lines))
	}
	if err := s.log.Publish(ctx); err != nil {
		slog.Debug("published later", "order", o.ID, "error", err)
	}
	latest, err := s.Get(ctx, o.ID)
	if err == nil && kind != "" && latest.Version != o.Version {
		o.Updated = latest.Updated // another change came right behind: the answer is this one, under its own entity tag
		return o, nil
	}
	return latest, err
}

// transaction runs f when one of the connections for changes is free.
func (s *Orders) transaction(ctx context.Context, f func(tx *gorm.DB) error) error {
	select {
	case s.changes <- struct{}{}:
		defer func() { <-s.changes }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.db.WithContext(ctx).Transaction(f)
}

// fill makes an order of a draft, with customer and items from the catalog, or says what is wrong with it.
func (s *Orders) fill(tx *gorm.DB, d Draft, before []Line) (Order, error) {
	var f problem.Faults
	d.check(&f)
	o := Order{CustomerID: int64(d.Customer), Shipping: d.Shipping, Billing: d.Billing, Version: 1, Changed: tx.NowFunc()}
	if err := tx.Take(&o.Customer, "customer_id = ?", o.CustomerID).Error; errors.Is(err, gorm.ErrRecordNotFound) {
		if d.Customer == 0 {
			f.Add("customer", "is missing or no id")
		} else {
			f.Add("customer", "is unknown")
		}
	} else if err != nil {
		return o, err
	}
	var ids []int64
	for _, l := range d.Lines[:min(len(d.Lines), maxLines)] {
		ids = append(ids, int64(l.Item))
	}
	var found []Item
	if err := tx.Table("item").Find(&found, "item_id IN ?", append(ids, 0)).Error; err != nil {
		return o, err
	}
	items := map[int64]Item{}
	for _, item := range found {
		items[item.ID] = item
	}
	for _, l := range before {
		items[l.Item.ID] = l.Item
	}
	for i, id := range ids {
		item, ok := items[id]
		if !ok {
			f.Add(fmt.Sprintf("orderLine[%d].item", i), "is unknown")
		}
		o.Lines = append(o.Lines, Line{Number: i + 1, Count: int(d.Lines[i].Count), Item: item})
	}
	o.Sum = o.Total()
	return o, f.Err()
}

func (s *Orders) writeLines(tx *gorm.DB, o *Order) error {
	for i := range o.Lines {
		o.Lines[i].OrderID = o.ID
	}
	return tx.Create(&o.Lines).Error
}

// lock reads an order for a change. Errors: problem.Error 404, or 412 if it no longer has one of the entity tags in match.
func (s *Orders) lock(tx *gorm.DB, id int64, match string) (Order, error) {
	if err := tx.Exec("SELECT FROM orders WHERE id = ? FOR UPDATE", id).Error; err != nil {
		return Order{}, err
	}
	o, err := s.get(tx, id)
	if err == nil && !o.matches(match) {
		return o, problem.New(412, "Order %d has been changed since you read it. Look at it again before you change it.", id)
	}
	return o, err
}

// Get reads an order. Errors: problem.Error 404.
func (s *Orders) Get(ctx context.Context, id int64) (o Order, err error) {
	err = postgres.Snapshot(s.db.WithContext(ctx), func(tx *gorm.DB) error {
		o, err = s.get(tx, id)
		return err
	})
	return o, err
}

// withUpdated adds when the order's latest entry was published; until it is, when it was made.
const withUpdated = "orders.*, coalesce(feed_updated(orders.id), orders.changed) AS updated"

func (s *Orders) get(db *gorm.DB, id int64) (o Order, err error) {
	err = complete(db).Take(&o, "id = ?", id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return o, problem.NotFound("There is no order %d.", id)
	}
	o.NumberOfLines = len(o.Lines)
	return o, err
}

func complete(db *gorm.DB) *gorm.DB {
	return db.Select(withUpdated).Preload("Customer").Preload("Lines", func(db *gorm.DB) *gorm.DB { return db.Order("number") })
}

// List reads a part of the orders and says whether there are more behind it.
func (s *Orders) List(ctx context.Context, part list.Part) (orders []Order, more bool, err error) {
	q, err := part.Of(complete(s.db.WithContext(ctx)), "orders")
	if err != nil {
		return nil, false, err
	}
	if err := postgres.Snapshot(q, func(tx *gorm.DB) error { return tx.Find(&orders).Error }); err != nil {
		return nil, false, err
	}
	orders, more = list.Cut(part, orders)
	for i := range orders {
		orders[i].NumberOfLines = len(orders[i].Lines)
	}
	return orders, more, nil
}

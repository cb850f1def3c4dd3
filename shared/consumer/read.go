// How records are read, with the rows that belong to them.

package consumer

import (
	"context"
	"errors"
	"reflect"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// List reads rows of T, a pointer to a struct as gorm wants it, from the highest id down, with the rows that belong to each. They
// are below the id before, and at most limit; next is the last one's id if there are more, else 0.
func List[T any](db *gorm.DB, before int64, limit int) (rows any, next int64, err error) {
	list := []T{}
	err = postgres.Snapshot(db.Where("id < ?", before).Order("id DESC").Limit(limit+1), func(tx *gorm.DB) error {
		tx, err := complete[T](tx)
		if err != nil {
			return err
		}
		return tx.Find(&list).Error
	})
	if len(list) > limit {
		list = list[:limit]
		t, err := tableOf(db, list[0])
		if err != nil {
			return nil, 0, err
		}
		last, _ := t.LookUpField("id").ValueOf(context.Background(), reflect.Indirect(reflect.ValueOf(list[limit-1])))
		next = last.(int64)
	}
	return list, next, err
}

// Get reads one record, with the rows that belong to it. Errors: problem.Error 404.
func (c Service[S, R]) Get(db *gorm.DB, id int64) (r R, err error) {
	err = postgres.Snapshot(db, func(tx *gorm.DB) error {
		tx, err := complete[R](tx)
		if err != nil {
			return err
		}
		return tx.Take(&r, "id = ?", id).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return r, problem.NotFound("There is no %s for %s %d, or not yet.", c.Record, c.Feed, id)
	}
	return r, err
}

// complete reads with each row the rows that belong to it, in their order.
func complete[T any](db *gorm.DB) (*gorm.DB, error) {
	t, err := tableOf(db, new(T))
	if err != nil {
		return nil, err
	}
	for _, lines := range t.Relationships.HasMany {
		order := table{lines.FieldSchema}.order()
		db = db.Preload(lines.Name, func(db *gorm.DB) *gorm.DB { return db.Order(order) })
	}
	return db, nil
}

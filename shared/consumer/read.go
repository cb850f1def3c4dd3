// How records are read, with the rows that belong to them.

package consumer

import (
	"context"
	"errors"
	"reflect"

	"gorm.io/gorm"

	"msatom/shared/list"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// List reads a part of the rows of T, a pointer to a struct as gorm wants it, with the rows that belong to each; next is the last
// one's id if there are more behind it, else 0.
func List[T any](db *gorm.DB, part list.Part) (rows any, next int64, err error) {
	found := []T{}
	t, err := tableOf(db, new(T))
	if err != nil {
		return nil, 0, err
	}
	q, err := part.Of(db, t.name())
	if err != nil {
		return nil, 0, err
	}
	err = postgres.Snapshot(q, func(tx *gorm.DB) error {
		return t.complete(tx).Find(&found).Error
	})
	found, more := list.Cut(part, found)
	if more {
		last, _ := t.LookUpField("id").ValueOf(context.Background(), reflect.Indirect(reflect.ValueOf(found[len(found)-1])))
		next = last.(int64)
	}
	return found, next, err
}

// Get reads one record, with the rows that belong to it. Errors: problem.Error 404.
func (c Service[S, R]) Get(db *gorm.DB, id int64) (r R, err error) {
	err = postgres.Snapshot(db, func(tx *gorm.DB) error {
		t, err := tableOf(tx, new(R))
		if err != nil {
			return err
		}
		return t.complete(tx).Take(&r, "id = ?", id).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return r, problem.NotFound("There is no %s for %s %d, or not yet.", c.Record, c.Feed, id)
	}
	return r, err
}

// complete reads with each row the rows that belong to it, in their order.
func (t table) complete(db *gorm.DB) *gorm.DB {
	for _, lines := range t.Relationships.HasMany {
		order := table{lines.FieldSchema}.order()
		db = db.Preload(lines.Name, func(db *gorm.DB) *gorm.DB { return db.Order(order) })
	}
	return db
}

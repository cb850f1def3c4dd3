package consumer

import (
	"errors"
	"time"

	"gorm.io/gorm"

	"msatom/shared/list"
	"msatom/shared/postgres"
	"msatom/shared/problem"
)

// Record is what every record of a consumer has. Its table needs these columns:
//
//	id       bigint PRIMARY KEY,
//	updated  timestamptz NOT NULL,
//	status   text   NOT NULL,
//	instance text   NOT NULL,
//	log      text   NOT NULL,
//	position bigint NOT NULL
type Record struct {
	ID       int64     `json:"id" gorm:"primaryKey;autoIncrement:false"` // of the record that it was made from
	Updated  time.Time `json:"updated"`                                  // when the event was published that it was made from
	Status   string    `json:"status"`                                   // what it is now, one word
	Instance string    `json:"instance"`                                 // of the service, which saved it
	Log      string    `json:"-"`                                        // the event is from this log,
	Position int64     `json:"-"`                                        // at this position
}

func (r *Record) record() *Record { return r }

// Place returns the place of the record in a list that is not sorted by amount. A record with a total overrides it.
func (r *Record) Place() list.Place { return list.Place{ID: r.ID} }

// AfterFind is called by gorm.
func (r *Record) AfterFind(*gorm.DB) error {
	r.Updated = r.Updated.UTC()
	return nil
}

// Recorder is a pointer to a struct that embeds Record.
type Recorder interface {
	record() *Record
	Place() list.Place
}

// Get reads one record. Errors: a problem.Error, 404.
func (c Service[S, R]) Get(db *gorm.DB, id int64) (r R, err error) {
	err = postgres.Snapshot(db, func(tx *gorm.DB) error {
		return c.query(tx).Take(&r, "id = ?", id).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		missing := problem.NotFound("There is no %[1]s for %[2]s %[3]d. If %[2]s %[3]d exists, its %[1]s appears here when %[4]s has read the feed.", c.Record, c.Feed, id, c.Name)
		missing.Awaited = true
		return r, missing
	}
	return r, err
}

// ReadList reads a part of the list; next is the place of its last row if there are more after it, else the zero Place.
func (c Service[S, R]) ReadList(db *gorm.DB, part list.Part) (rows any, next list.Place, err error) {
	if c.List != nil {
		return c.List(db, part)
	}
	records := []R{}
	q, err := part.Of(db, c.Tables[0].Name)
	if err != nil {
		return nil, next, err
	}
	err = postgres.Snapshot(q, func(tx *gorm.DB) error {
		return c.query(tx).Find(&records).Error
	})
	records, more := list.Cut(records, part.Limit)
	if more {
		next = records[len(records)-1].Place()
	}
	return records, next, err
}

func (c Service[S, R]) query(db *gorm.DB) *gorm.DB {
	if c.Preload == nil {
		return db
	}
	return c.Preload(db)
}

// How records are written: all of a document by one statement, and the rows that belong to them, such as lines, by another. A
// record that is there from the same or a newer event stays as it is, so writing anything twice changes nothing.

package consumer

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"msatom/shared/feed"
	"msatom/shared/poll"
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
	ID       int64     `json:"id" gorm:"primaryKey;autoIncrement:false"` // that of what it was made from
	Updated  time.Time `json:"updated"`                                  // when the event was published that it is from
	Status   string    `json:"status"`                                   // what it is now, one word
	Instance string    `json:"instance"`                                 // of the service, which wrote it
	Log      string    `json:"-"`                                        // the event is from this log,
	Position int64     `json:"-"`                                        // at this position
}

func (r *Record) record() *Record { return r }

// AfterFind is called by gorm.
func (r *Record) AfterFind(*gorm.DB) error {
	r.Updated = r.Updated.UTC()
	return nil
}

// acknowledge is the event that the record was written for an entry.
func (r *Record) acknowledge(entry string) (feed.Event, error) {
	snapshot, err := json.Marshal(struct {
		ID       int64  `json:"id"`
		Instance string `json:"instance"`
		Status   string `json:"status"`
	}{r.ID, r.Instance, r.Status})
	return feed.Event{Subject: r.ID, Kind: r.Status, ReplyTo: entry, Snapshot: snapshot}, err
}

// Recorder is a pointer to a struct that embeds Record and has, as gorm wants it, the method TableName.
//
// Its other fields are stored by gorm's names and tags, with the values that they have in JSON. A slice of structs (gorm's
// "has many") is a table of its own, whose primary key is the record's id and a number: the rows are numbered from 1, and
// replaced when the record is.
type Recorder interface {
	record() *Record
	TableName() string
}

// write returns the ids of those records that are new or newer than what was there.
func write[R Recorder](ctx context.Context, tx *gorm.DB, records []R) (written []int64, err error) {
	t, err := tableOf(tx, records[0])
	if err != nil {
		return nil, err
	}
	rows := reflect.ValueOf(records)
	upsert := t.insert(tx.Dialector, " AS old") + " ON CONFLICT (id) DO UPDATE SET (" + t.columns("") + ") = ROW(" + t.columns("excluded.") + ")" +
		" WHERE old.log <> excluded.log OR old.position < excluded.position RETURNING id, xmax <> 0" // only an update sets xmax
	columns, err := t.values(ctx, rows)
	if err != nil {
		return nil, err
	}
	wrote, err := tx.Statement.ConnPool.QueryContext(ctx, upsert, columns...)
	if err != nil {
		return nil, err
	}
	defer wrote.Close()
	var there []int64 // before
	for wrote.Next() {
		var id int64
		var was bool
		if err := wrote.Scan(&id, &was); err != nil {
			return nil, err
		}
		written = append(written, id)
		if was {
			there = append(there, id)
		}
	}
	if err := wrote.Err(); err != nil {
		return nil, err
	}
	for _, lines := range t.Relationships.HasMany {
		if err := replace(ctx, tx, lines, rows, written, there); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// replace writes what belongs to those records that were written, of which some were there.
func replace(ctx context.Context, tx *gorm.DB, relation *schema.Relationship, records reflect.Value, written, there []int64) error {
	lines := table{relation.FieldSchema}
	key := relation.References[0].ForeignKey
	if len(there) > 0 {
		if _, err := tx.Statement.ConnPool.ExecContext(ctx, "DELETE FROM "+lines.name()+" WHERE "+quote(key.DBName)+" = ANY ($1)", there); err != nil {
			return err
		}
	}
	isWritten := map[int64]bool{}
	for _, id := range written {
		isWritten[id] = true
	}
	all := reflect.MakeSlice(reflect.SliceOf(lines.ModelType), 0, records.Len())
	for i := range records.Len() {
		r := records.Index(i)
		id := r.Interface().(Recorder).record().ID
		if !isWritten[id] {
			continue
		}
		rows := relation.Field.ReflectValueOf(ctx, r.Elem())
		for n := range rows.Len() {
			row := rows.Index(n)
			for _, k := range lines.PrimaryFields {
				value := int64(n + 1)
				if k == key {
					value = id
				}
				if err := k.Set(ctx, row, value); err != nil {
					return err
				}
			}
		}
		all = reflect.AppendSlice(all, rows)
	}
	if all.Len() == 0 {
		return nil
	}
	columns, err := lines.values(ctx, all)
	if err == nil {
		_, err = tx.Statement.ConnPool.ExecContext(ctx, lines.insert(tx.Dialector, ""), columns...)
	}
	return err
}

// table writes SQL about a table as gorm understands its rows' type.
type table struct{ *schema.Schema }

func tableOf(db *gorm.DB, row any) (table, error) {
	s := &gorm.Statement{DB: db}
	err := s.Parse(row)
	return table{s.Schema}, err
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (t table) name() string { return quote(t.Table) }

// columns lists the columns, each with what stands before it.
func (t table) columns(before string) string {
	var names []string
	for _, c := range t.DBNames {
		names = append(names, before+quote(c))
	}
	return strings.Join(names, ", ")
}

// insert is a statement whose parameters are values: an array for each column, so that it is the same for any number of rows.
func (t table) insert(types gorm.Dialector, as string) string {
	var arrays []string
	for i, c := range t.DBNames {
		f := t.FieldsByDBName[c]
		array := fmt.Sprintf("$%d::%s[]", i+1, types.DataTypeOf(f))
		if f.FieldType.Implements(valuer) {
			array = fmt.Sprintf("$%d::text[]::%s[]", i+1, types.DataTypeOf(f)) // Postgres reads it; pgx would try what it may be
		}
		arrays = append(arrays, array)
	}
	return fmt.Sprintf("INSERT INTO %s%s (%s) SELECT * FROM unnest(%s)", t.name(), as, t.columns(""), strings.Join(arrays, ", "))
}

var valuer = reflect.TypeFor[driver.Valuer]()

// values are the columns of rows.
func (t table) values(ctx context.Context, rows reflect.Value) (columns []any, err error) {
	for _, c := range t.DBNames {
		column := make([]any, rows.Len())
		for i := range column {
			column[i], _ = t.FieldsByDBName[c].ValueOf(ctx, reflect.Indirect(rows.Index(i)))
			if v, ok := column[i].(driver.Valuer); ok {
				if column[i], err = v.Value(); err != nil {
					return nil, err
				}
			}
		}
		columns = append(columns, column)
	}
	return columns, nil
}

// tables are those that a record is in, its own first.
func tables[R Recorder](db *gorm.DB) ([]poll.Table, error) {
	t, err := tableOf(db, new(R))
	if err != nil {
		return nil, err
	}
	list := []poll.Table{{Name: t.Table, Subject: "id"}}
	for _, lines := range t.Relationships.HasMany {
		list = append(list, poll.Table{Name: lines.FieldSchema.Table, Subject: lines.References[0].ForeignKey.DBName})
	}
	return list, nil
}

// order lists the columns of the primary key.
func (t table) order() string {
	var names []string
	for _, c := range t.PrimaryFieldDBNames {
		names = append(names, quote(c))
	}
	return strings.Join(names, ", ")
}

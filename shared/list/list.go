// Package list reads long tables in parts: newest first, oldest first or by amount; all records, or those that a filter finds.
//
// A part begins after given values of the columns by which the list is sorted, not after a number of records (keyset pagination), and
// nothing is counted. So no record is left out if the last record of a part changes or goes before the next part is read. With these indexes,
// where the filter's column is "owner", the last part of a large table costs as much as the first:
//
//	CREATE INDEX ON t (total, id);
//	CREATE INDEX ON t (owner, id);
//	CREATE INDEX ON t (owner, total, id);
//
// URLs and links belong to package web.
package list

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"msatom/shared/money"
	"msatom/shared/postgres"
)

// Sort orders of a list. The default, "", is newest first.
const (
	Oldest  = "oldest"
	Highest = "highest"
	Lowest  = "lowest"
)

// Offer describes how a list can be read besides newest or oldest first.
type Offer struct {
	Amount bool // sorted by amount; the table has a column total
	Filter Filter
}

// Filter finds records by the name of what they belong to. Lists do not offer the zero value.
type Filter struct {
	Label  string // of its field on a page
	Column string // of the list's table, a bigint: the id of what a record belongs to
	// Named is a query for the ids whose name matches ILIKE ?, for example
	// SELECT id FROM owner WHERE name ILIKE ?
	Named string
}

// Sorts returns the sort orders of the list besides newest first.
func (o Offer) Sorts() []string {
	if o.Amount {
		return []string{Oldest, Highest, Lowest}
	}
	return []string{Oldest}
}

// Part is a part of a list.
type Part struct {
	Filter Filter
	Name   string // only records for which the filter finds a name that contains it; "" for all records
	Sort   string // Oldest, Highest, Lowest, or "" for newest first
	Behind Place  // the part begins after this place; the zero Place: with the first record
	Limit  int
}

// Place is a place in a list: that of a record with this id and, in a list sorted by amount, this total.
type Place struct {
	ID    int64
	Total money.Amount
}

// few is the number of filter values up to which the records of each are looked up separately.
const few = 500

// Of restricts a query of the table to the part and one more record, which Cut removes.
func (p Part) Of(db *gorm.DB, table string) (*gorm.DB, error) {
	if p.Name == "" {
		return p.after(db, p.keys()), nil
	}
	if p.Filter.Named == "" {
		return nil, errors.New("list: a name, but no filter")
	}
	fresh := db.Session(&gorm.Session{NewDB: true})
	var values []int64
	if err := fresh.Raw("SELECT DISTINCT named.id FROM ("+p.Filter.Named+") AS named (id) LIMIT ?", Containing(p.Name), few+1).Scan(&values).Error; err != nil {
		return nil, err
	}
	if len(values) > few {
		return p.after(db, p.keys()).Where(p.Filter.Column+" IN ("+p.Filter.Named+")", Containing(p.Name)), nil
	}
	// In one query for all values, Postgres may walk the whole table in the order of the list until it has found enough records.
	// So the first records of each value are looked up in the index that begins with the filter's column. BETWEEN keeps that
	// column in the sort order; with "=" Postgres would drop it there and could choose another index.
	keys := append([]string{p.Filter.Column}, p.keys()...)
	each := p.after(fresh.Table(table).Where(p.Filter.Column+" BETWEEN wanted.id AND wanted.id"), keys)
	var ids []int64
	err := fresh.Raw("SELECT part.id FROM unnest(?::bigint[]) AS wanted (id) CROSS JOIN LATERAL (?) AS part ORDER BY "+p.sorting(p.keys())+" LIMIT ?",
		postgres.Array(values), each, p.Limit+1).Scan(&ids).Error
	return db.Where("id = ANY (?)", postgres.Array(ids)).Order(p.sorting(p.keys())), err
}

// IsByAmount reports whether the list is sorted by amount.
func (p Part) IsByAmount() bool { return p.Sort == Highest || p.Sort == Lowest }

// keys returns the columns by which the list is sorted.
func (p Part) keys() []string {
	if p.IsByAmount() {
		return []string{"total", "id"}
	}
	return []string{"id"}
}

func (p Part) isAscending() bool { return p.Sort == Oldest || p.Sort == Lowest }

func (p Part) sorting(keys []string) string {
	if p.isAscending() {
		return strings.Join(keys, ", ")
	}
	return strings.Join(keys, " DESC, ") + " DESC"
}

// after restricts a query to the part's records and one more, sorted by keys, after the place where the part begins.
func (p Part) after(db *gorm.DB, keys []string) *gorm.DB {
	db = db.Order(p.sorting(keys)).Limit(p.Limit + 1)
	if p.Behind == (Place{}) {
		return db
	}
	comparison := "<"
	if p.isAscending() {
		comparison = ">"
	}
	place := map[string]string{p.Filter.Column: "wanted.id", "total": "@total", "id": "@id"}
	var values []string
	for _, k := range keys {
		values = append(values, place[k])
	}
	return db.Where(fmt.Sprintf("(%s) %s (%s)", strings.Join(keys, ", "), comparison, strings.Join(values, ", ")), sql.Named("total", p.Behind.Total), sql.Named("id", p.Behind.ID))
}

// Cut returns the first records of a list, at most limit, and whether there are more after them.
func Cut[T any](records []T, limit int) (part []T, hasMore bool) {
	return records[:min(limit, len(records))], len(records) > limit
}

// Containing returns the ILIKE pattern for texts that contain text literally.
func Containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}

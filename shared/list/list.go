// Package list reads long tables of records part by part: newest first, oldest first or by amount, all of them or those of customers
// whose names contain a text.
//
// A part begins behind a record, not after a number of them (keyset pagination), and no records are counted. So with these indexes the last
// part costs what the first does, and no part costs more when the table has grown:
//
//	CREATE INDEX ON t (total, id);
//	CREATE INDEX ON t (customer_id, id);
//	CREATE INDEX ON t (customer_id, total, id);
package list

import (
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// Orders in which a list can be read. The newest come first if nothing is said.
const (
	Oldest  = "oldest"
	Highest = "highest"
	Lowest  = "lowest"
)

// Offer is what a list can do besides coming newest or oldest first.
type Offer struct {
	Amount   bool // it can be sorted by amount: its table has a column total
	Customer bool // it can be filtered: its table has a column customer_id, and table customer has customer_id, firstname and name
}

// Sorts are the orders in which the list can be read besides newest first.
func (o Offer) Sorts() []string {
	if o.Amount {
		return []string{Oldest, Highest, Lowest}
	}
	return []string{Oldest}
}

// Part is a part of a list.
type Part struct {
	Name   string // part of the customer's name, "" for all customers
	Sort   string // Oldest, Highest, Lowest, or "" for newest first
	Behind int64  // begins behind the record of this id; 0: at the first
	Limit  int
}

// few is up to how many customers are looked up one by one.
const few = 500

// Of restricts a query of a table to the part and one record more: Cut takes that off again.
func (p Part) Of(db *gorm.DB, table string) (*gorm.DB, error) {
	if p.Name == "" {
		return p.behind(db, table, p.keys()), nil
	}
	fresh := db.Session(&gorm.Session{NewDB: true})
	var customers struct {
		IDs string // as an array is written, for one parameter: Postgres takes 65,535 at most
		N   int
	}
	err := fresh.Raw("SELECT coalesce(array_agg(DISTINCT customer_id), '{}')::text AS ids, count(DISTINCT customer_id) AS n FROM customer WHERE firstname || ' ' || name ILIKE ?",
		Containing(p.Name)).Scan(&customers).Error
	if err != nil {
		return nil, err
	}
	if customers.N > few {
		return p.behind(db, table, p.keys()).Where("customer_id = ANY(?::bigint[])", customers.IDs), nil
	}
	// Asked for the records of all of them at once, Postgres may look for them among everybody's, all of which it reads if these are
	// not where it supposes. So each customer's first ones are asked for, in the very order of an index that begins with the customer. (Said as
	// "=", it would leave the customer out of that order, and could take another index.)
	keys := append([]string{"customer_id"}, p.keys()...)
	each := p.behind(fresh.Table(table).Where("customer_id BETWEEN wanted.id AND wanted.id"), table, keys)
	var ids []int64
	err = fresh.Raw("SELECT part.id FROM unnest(?::bigint[]) AS wanted(id) CROSS JOIN LATERAL (?) AS part ORDER BY "+p.sorting(p.keys())+" LIMIT ?",
		customers.IDs, each, p.Limit+1).Scan(&ids).Error
	return db.Where("id IN ?", ids).Order(p.sorting(p.keys())), err
}

// keys are the columns by which the list is sorted.
func (p Part) keys() []string {
	if p.Sort == Highest || p.Sort == Lowest {
		return []string{"total", "id"}
	}
	return []string{"id"}
}

func (p Part) ascending() bool { return p.Sort == Oldest || p.Sort == Lowest }

func (p Part) sorting(keys []string) string {
	if p.ascending() {
		return strings.Join(keys, ", ")
	}
	return strings.Join(keys, " DESC, ") + " DESC"
}

// behind restricts a query to so many records as the part and one more, sorted by keys, behind the place where the part begins.
func (p Part) behind(db *gorm.DB, table string, keys []string) *gorm.DB {
	db = db.Order(p.sorting(keys)).Limit(p.Limit + 1)
	if p.Behind == 0 {
		return db
	}
	comparison := "<"
	if p.ascending() {
		comparison = ">"
	}
	place := map[string]string{"customer_id": "wanted.id", "total": "(SELECT total FROM " + table + " WHERE id = @behind)", "id": "@behind"}
	var values []string
	for _, k := range keys {
		values = append(values, place[k])
	}
	return db.Where(fmt.Sprintf("(%s) %s (%s)", strings.Join(keys, ", "), comparison, strings.Join(values, ", ")), sql.Named("behind", p.Behind))
}

// Cut returns the records of the part, and whether there are more behind them.
func Cut[T any](p Part, records []T) (part []T, more bool) {
	return records[:min(p.Limit, len(records))], len(records) > p.Limit
}

// Containing is a pattern for ILIKE that finds a text inside another: no character of the text means anything but itself.
func Containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}

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

// Of restricts a query of a table to the part and one record more: Cut takes that off again.
func (p Part) Of(db *gorm.DB, table string) (*gorm.DB, error) {
	q := p.place(db, table)
	if p.Name == "" {
		return q, nil
	}
	var customers string // as one parameter: Postgres takes 65,535 at most
	err := db.Session(&gorm.Session{NewDB: true}).Raw("SELECT coalesce(array_agg(DISTINCT customer_id), '{}')::text FROM customer WHERE firstname || ' ' || name ILIKE ?", Containing(p.Name)).Scan(&customers).Error
	return q.Where("customer_id = ANY(?::bigint[])", customers), err
}

func (p Part) place(db *gorm.DB, table string) *gorm.DB {
	direction, sorting := "<", "id DESC"
	switch p.Sort {
	case Oldest:
		direction, sorting = ">", "id"
	case Highest:
		sorting = "total DESC, id DESC"
	case Lowest:
		direction, sorting = ">", "total, id"
	}
	db = db.Order(sorting).Limit(p.Limit + 1)
	switch {
	case p.Behind == 0:
		return db
	case p.Sort == Highest || p.Sort == Lowest:
		return db.Where(fmt.Sprintf("(total, id) %s ((SELECT total FROM %s WHERE id = ?), ?)", direction, table), p.Behind, p.Behind)
	}
	return db.Where("id "+direction+" ?", p.Behind)
}

// Cut returns the records of the part, and whether there are more behind them.
func Cut[T any](p Part, records []T) (part []T, more bool) {
	return records[:min(p.Limit, len(records))], len(records) > p.Limit
}

// Containing is a pattern for ILIKE that finds a text inside another: no character of the text means anything but itself.
func Containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}

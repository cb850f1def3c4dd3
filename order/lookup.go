// Finding the customer and the items of an order in the catalog, by what a client sent: a number in
// JSON; in the form a number, a name, or an option of a list, which begins with the number.
package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// separator stands between the parts of an option.
const separator = " · "

// Option returns the text that the form's list of items shows.
func (i Item) Option() string {
	return fmt.Sprint(i.ID) + separator + i.Name + separator + i.Price.Grouped()
}

// Option returns the text that the form's list of customers shows.
func (c Customer) Option() string {
	return fmt.Sprint(c.ID) + separator + c.fullName()
}

// reference refers to an entry of the catalog, by number or by name. The zero value refers to
// nothing.
type reference struct {
	id   int64
	name string
}

// parseReference reads what a person typed.
func parseReference(typed string) reference {
	id, _, _ := strings.Cut(typed, separator)
	name := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(typed, "\x00", ""), "")) // Postgres refuses other bytes
	return reference{parseNumber(id), name}
}

// parseNumber reads a whole number. Anything else becomes 0.
func parseNumber(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// wholeNumber is a JSON number without a fraction. Anything else becomes 0, which is refused at its
// field like any other wrong value: a decoding error would hide the other faults.
type wholeNumber int64

// UnmarshalJSON reads n. It never fails.
func (n *wholeNumber) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*int64)(n)) != nil {
		*n = 0
	}
	return nil
}

// customerReference is, in JSON, a number or an object with "customerId". Anything else refers to
// nothing.
type customerReference struct{ reference }

// UnmarshalJSON reads r. It never fails.
func (r *customerReference) UnmarshalJSON(b []byte) error {
	r.id = unmarshalID(b, "customerId")
	return nil
}

// itemReference is, in JSON, a number or an object with "itemId". Anything else refers to nothing.
type itemReference struct{ reference }

// UnmarshalJSON reads r. It never fails.
func (r *itemReference) UnmarshalJSON(b []byte) error {
	r.id = unmarshalID(b, "itemId")
	return nil
}

// unmarshalID reads a number, or an object with a member that holds it.
func unmarshalID(b []byte, member string) int64 {
	var id int64
	if json.Unmarshal(b, &id) == nil {
		return id
	}
	var object map[string]wholeNumber
	_ = json.Unmarshal(b, &object) // of another type: it has no such member
	return int64(object[member])
}

// findCustomer returns the customer that r refers to, or nil.
func findCustomer(db *gorm.DB, r reference) (*Customer, error) {
	found, err := customers.find(db, []reference{r})
	return found[0], err
}

// findItems returns the item that each reference refers to, or nil in its place. Items that are in
// one of the lines have the name and the price they have there.
func findItems(db *gorm.DB, references []reference, lines []Line) ([]*Item, error) {
	found, err := items.find(db, references)
	for i, item := range found {
		for _, l := range lines {
			if item != nil && item.ID == l.Item.ID {
				found[i] = &l.Item
			}
		}
	}
	return found, err
}

// find looks entries up by number, and otherwise by a name that exactly one of them has. It returns
// as many as there are references.
func (t catalogTable[T]) find(db *gorm.DB, references []reference) ([]*T, error) {
	found := make([]*T, len(references))
	if len(references) == 0 {
		return found, nil
	}
	var wanted postgres.Rows
	for i, r := range references {
		wanted.Add(i, r.id, r.name)
	}
	var rows []struct {
		Place int
		Entry T `gorm:"embedded"`
	}
	err := db.Raw(fmt.Sprintf(`
		SELECT place, %[4]s
		FROM unnest(?::int[], ?::bigint[], ?::text[]) AS wanted (place, wanted_id, wanted_name)
		JOIN %[1]s ON %[2]s = coalesce(
			(SELECT %[2]s FROM %[1]s WHERE %[2]s = wanted_id),
			(SELECT min(%[2]s) FROM (SELECT %[2]s FROM %[1]s WHERE lower(%[3]s) = lower(wanted_name) LIMIT 2) AS same
			 HAVING count(*) = 1))`,
		t.table, t.id, t.name, t.columns), wanted.Columns()...).Scan(&rows).Error
	for _, r := range rows {
		found[r.Place] = &r.Entry
	}
	return found, err
}

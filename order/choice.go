// What is typed into the form's fields for customer and item, which offer a list: an entry of it, a number, or a name.
package main

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// between stands in an entry of a list between the number and what else is said.
const between = " · "

// Choice is the item as the form offers it.
func (i Item) Choice() string {
	return fmt.Sprint(i.ID) + between + i.Name + between + i.Price.Grouped()
}

// Choice is the customer as the form offers it.
func (c Customer) Choice() string {
	return fmt.Sprint(c.ID) + between + c.Firstname + " " + c.Name
}

// chosen is the number at the beginning of what was typed, 0 if there is none.
func chosen(typed string) int64 {
	id, _, _ := strings.Cut(typed, between)
	return number(id)
}

// ChosenItems finds what was typed: by number, or by a name that just one item has. What is not found is not in the result.
func (s *Catalog) ChosenItems(ctx context.Context, typed []string) (map[string]Item, error) {
	return choose(s.db.WithContext(ctx).Table("item"), typed, "item_id", "name",
		func(i Item) (int64, string) { return i.ID, i.Name })
}

// ChosenCustomers does the same for customers.
func (s *Catalog) ChosenCustomers(ctx context.Context, typed []string) (map[string]Customer, error) {
	return choose(s.db.WithContext(ctx).Table("customer"), typed, "customer_id", "firstname || ' ' || name",
		func(c Customer) (int64, string) { return c.ID, c.Firstname + " " + c.Name })
}

func choose[T any](table *gorm.DB, typed []string, id, name string, key func(T) (int64, string)) (map[string]T, error) {
	var ids []int64
	var names []string
	for _, t := range typed {
		ids = append(ids, chosen(t))
		names = append(names, plain(t))
	}
	var byNumber, named []T
	if err := table.Session(&gorm.Session{}).Where(id+" IN ?", ids).Find(&byNumber).Error; err != nil {
		return nil, err
	}
	if err := table.Session(&gorm.Session{}).Where("lower("+name+") IN ?", names).Limit(2 * len(names)).Find(&named).Error; err != nil {
		return nil, err
	}
	withID, withName := map[int64]T{}, map[string][]T{}
	for _, one := range byNumber {
		n, _ := key(one)
		withID[n] = one
	}
	for _, one := range named {
		_, text := key(one)
		withName[plain(text)] = append(withName[plain(text)], one)
	}
	result := map[string]T{}
	for _, t := range typed {
		if one, ok := withID[chosen(t)]; ok {
			result[t] = one
		} else if same := withName[plain(t)]; len(same) == 1 {
			result[t] = same[0]
		}
	}
	return result, nil
}

// plain is a name as it is compared. Postgres cannot be asked for bytes that are no text.
func plain(name string) string {
	return strings.ToLower(strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")))
}

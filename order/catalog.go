// Customers and items, which orders refer to.
package main

import (
	"context"
	"net/mail"

	"gorm.io/gorm"

	"msatom/shared/list"
	"msatom/shared/money"
	"msatom/shared/problem"
)

// Catalog is all customers and items.
type Catalog struct{ db *gorm.DB }

// TableName is item; a Line has its own copy of the columns.
func (Item) TableName() string { return "item" }

// maxPrice keeps an order of the most lines and pieces far below money.Max.
const maxPrice = money.Amount(1_000_000_00)

// Customers lists those whose first name and name contain a text, by name, at most limit.
func (s *Catalog) Customers(ctx context.Context, containing string, limit int) (found []Customer, err error) {
	err = s.db.WithContext(ctx).Raw("SELECT * FROM customer WHERE firstname || ' ' || name ILIKE ? ORDER BY name, firstname, customer_id LIMIT ?",
		list.Containing(containing), limit).Scan(&found).Error
	return found, err
}

// Items lists those whose name contains a text, by name, at most limit.
func (s *Catalog) Items(ctx context.Context, containing string, limit int) (found []Item, err error) {
	err = s.db.WithContext(ctx).Raw("SELECT * FROM item WHERE name ILIKE ? ORDER BY name, item_id LIMIT ?", list.Containing(containing), limit).Scan(&found).Error
	return found, err
}

// AddCustomer adds a customer. Errors: problem.Error 422.
func (s *Catalog) AddCustomer(ctx context.Context, c Customer) (Customer, error) {
	var f problem.Faults
	c.Firstname, c.Name = f.Text("firstname", c.Firstname, maxText), f.Text("name", c.Name, maxText)
	n := len(f)
	c.Email = f.Text("email", c.Email, maxText)
	if a, err := mail.ParseAddress(c.Email); len(f) == n && (err != nil || a.Address != c.Email) {
		f.Add("email", "is not an e-mail address")
	}
	if err := f.Err(); err != nil {
		return c, err
	}
	c.ID = 0
	return c, s.db.WithContext(ctx).Create(&c).Error
}

// AddItem adds an item. Errors: problem.Error 422.
func (s *Catalog) AddItem(ctx context.Context, name, price string) (Item, error) {
	var f problem.Faults
	i := Item{Name: f.Text("name", name, maxText)}
	var err error
	if i.Price, err = money.Parse(price); err != nil || i.Price < 0 || i.Price > maxPrice {
		f.Add("price", "must be a number from 0 to %s with at most two decimals", maxPrice)
	}
	if err := f.Err(); err != nil {
		return i, err
	}
	err = s.db.WithContext(ctx).Raw("INSERT INTO item (name, price) VALUES (?, ?) RETURNING item_id", i.Name, i.Price).Scan(&i.ID).Error
	return i, err
}

// Seed fills an empty catalog with the customers and items of the original, so that the first order can be placed at once.
func (s *Catalog) Seed(ctx context.Context) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return (&Catalog{tx}).seed(ctx) })
}

func (s *Catalog) seed(ctx context.Context) error {
	var n int64
	if err := s.db.WithContext(ctx).Model(&Customer{}).Count(&n).Error; err != nil || n > 0 {
		return err
	}
	for _, c := range []Customer{
		{Firstname: "Eberhard", Name: "Wolff", Email: "eberhard.wolff@gmail.com"},
		{Firstname: "Rod", Name: "Johnson", Email: "rod@somewhere.com"},
	} {
		if _, err := s.AddCustomer(ctx, c); err != nil {
			return err
		}
	}
	for _, i := range []struct{ name, price string }{{"iPod", "42.0"}, {"iPod touch", "21.0"}, {"iPod nano", "1.0"}, {"Apple TV", "100.0"}} {
		if _, err := s.AddItem(ctx, i.name, i.price); err != nil {
			return err
		}
	}
	return nil
}

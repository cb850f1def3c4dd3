// The catalog: the customers and items that orders refer to. Entries are added, never changed or
// deleted. The first ones come from the migration.
package main

import (
	"net/mail"

	"gorm.io/gorm"

	"msatom/shared/list"
	"msatom/shared/money"
	"msatom/shared/problem"
)

// Customer is a person who places orders.
type Customer struct {
	ID        int64  `json:"customerId" gorm:"primaryKey;column:customer_id"`
	Name      string `json:"name"`
	Firstname string `json:"firstname"`
	Email     string `json:"email"`
}

// TableName returns the name of the table of customers.
func (Customer) TableName() string { return "customer" }

func (c Customer) fullName() string { return c.Firstname + " " + c.Name }

// Item is something that can be ordered. It is embedded in a Line, which keeps its own copy of name
// and price.
type Item struct {
	ID    int64        `json:"itemId" gorm:"column:item_id;autoIncrement:false"`
	Name  string       `json:"name"`
	Price money.Amount `json:"price"`
}

func (i Item) fullName() string { return i.Name }

// maxPrice keeps the total of the largest order far below money.Max.
const maxPrice = money.Amount(1_000_000_00)

// catalogTable is a table of the catalog with entries of type T. The fields are SQL.
type catalogTable[T any] struct{ table, id, name, sorting, columns string }

var (
	customers = catalogTable[Customer]{"customer", "customer_id", "firstname || ' ' || name", "name, firstname", "customer_id, name, firstname, email"}
	items     = catalogTable[Item]{"item", "item_id", "name", "name", "item_id, name, price"}
)

// containing returns at most limit entries whose name contains a text, sorted by name.
func (t catalogTable[T]) containing(db *gorm.DB, text string, limit int) (found []T, err error) {
	err = db.Raw("SELECT "+t.columns+" FROM "+t.table+" WHERE "+t.name+" ILIKE ? ORDER BY "+t.sorting+", "+t.id+" LIMIT ?",
		list.Containing(text), limit).Scan(&found).Error
	return found, err
}

// addCustomer adds a customer under a new id. Errors: problem.Error 422.
func addCustomer(db *gorm.DB, c Customer) (Customer, error) {
	var f problem.Faults
	c.Firstname, c.Name = f.Text("firstname", c.Firstname, maxText), f.Text("name", c.Name, maxText)
	n := len(f)
	c.Email = f.Text("email", c.Email, maxText)
	if a, err := mail.ParseAddress(c.Email); len(f) == n && (err != nil || a.Address != c.Email) {
		f.Add("email", "must be a complete address, such as name@example.com")
	}
	if err := f.Err(); err != nil {
		return c, err
	}
	c.ID = 0
	return c, db.Create(&c).Error
}

// addItem adds an item. Errors: problem.Error 422.
func addItem(db *gorm.DB, name, price string) (Item, error) {
	var f problem.Faults
	i := Item{Name: f.Text("name", name, maxText)}
	var err error
	if i.Price, err = money.Parse(price); err != nil || i.Price < 0 || i.Price > maxPrice {
		f.Add("price", "must be a number from 0 to %s, with at most two decimal places", maxPrice)
	}
	if err := f.Err(); err != nil {
		return i, err
	}
	return i, db.Raw("INSERT INTO item (name, price) VALUES (?, ?) RETURNING item_id", i.Name, i.Price).Scan(&i.ID).Error
}

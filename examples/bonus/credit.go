// How an order becomes a credit, how credits are saved, and what all credits of a customer come to.
package main

import (
	"errors"

	"gorm.io/gorm"

	"msatom/shared/consumer"
	"msatom/shared/list"
	"msatom/shared/money"
	"msatom/shared/postgres"
)

// percent of an order's value is its customer's bonus, rounded to whole cents, half a cent up.
const percent = 5

// order is what bonus needs to know of an order.
type order struct {
	Status   string   `json:"status"`
	Customer Customer `json:"customer"`
	Lines    []struct {
		Count int                          `json:"count"`
		Item  struct{ Price money.Amount } `json:"item"`
	} `json:"orderLine"`
}

// Credit is what a customer gets for one order: nothing once that is cancelled.
type Credit struct {
	consumer.Record              // its id is the order's
	Customer        Customer     `json:"customer" gorm:"embedded;embeddedPrefix:customer_"`
	Value           money.Amount `json:"value"` // of the order
	Bonus           money.Amount `json:"bonus"`
}

// Customer gets it.
type Customer struct {
	ID        int64  `json:"customerId" gorm:"autoIncrement:false"`
	Name      string `json:"name"`
	Firstname string `json:"firstname"`
}

// TableName is credit.
func (Credit) TableName() string { return "credit" }

func credit(o order) (*Credit, error) {
	c := &Credit{Customer: o.Customer}
	c.Status = "credited"
	if c.Customer.ID < 1 {
		return nil, errors.New("the order has no customer")
	}
	for _, l := range o.Lines {
		if l.Count < 1 || l.Item.Price < 0 || l.Item.Price > (money.Max-c.Value)/money.Amount(l.Count) {
			return nil, errors.New("the order has no valid value")
		}
		c.Value += l.Item.Price.Times(l.Count)
	}
	c.Bonus = (c.Value*percent + 50) / 100
	if o.Status == "cancelled" {
		c.Status, c.Bonus = "withdrawn", 0
	}
	return c, nil
}

// A credit from the same or a later event of the same log stays as it is, so nothing changes if entries are read again.
const upsert = `
	INSERT INTO credit AS old (id, updated, status, instance, log, position, customer_id, customer_name, customer_firstname, value, bonus)
	SELECT * FROM unnest(?::bigint[], ?::timestamptz[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::numeric[], ?::numeric[])
	ON CONFLICT (id) DO UPDATE SET
	       updated = excluded.updated, status = excluded.status, instance = excluded.instance, log = excluded.log, position = excluded.position,
	       customer_id = excluded.customer_id, customer_name = excluded.customer_name, customer_firstname = excluded.customer_firstname,
	       value = excluded.value, bonus = excluded.bonus
	WHERE old.log <> excluded.log OR old.position < excluded.position
	RETURNING id`

// save saves credits and returns the ids of those that it wrote.
func save(tx *gorm.DB, credits []*Credit) (saved []int64, err error) {
	var rows postgres.Rows
	for _, c := range credits {
		rows.Add(c.ID, c.Updated, c.Status, c.Instance, c.Log, c.Position, c.Customer.ID, c.Customer.Name, c.Customer.Firstname, c.Value, c.Bonus)
	}
	err = tx.Raw(upsert, rows.Columns()...).Scan(&saved).Error
	return saved, err
}

// Account is the sum of a customer's credits: a row of a view.
type Account struct {
	ID        int64        `json:"customerId"`
	Name      string       `json:"name"`
	Firstname string       `json:"firstname"`
	Orders    int          `json:"orders"` // without the cancelled ones
	Bonus     money.Amount `json:"bonus"`
	Latest    int64        `json:"latestOrder"`
}

// TableName is account.
func (Account) TableName() string { return "account" }

// accounts reads a part of the list of accounts; next is the place of the last one if there are more after it.
func accounts(db *gorm.DB, part list.Part) (rows any, next list.Place, err error) {
	found := []*Account{}
	q, err := part.Of(db, "account")
	if err == nil {
		err = q.Find(&found).Error
	}
	found, more := list.Cut(found, part.Limit)
	if more {
		next.ID = found[len(found)-1].ID
	}
	return found, next, err
}

// How an order becomes a credit, and what all credits of a customer come to.
package main

import (
	"errors"

	"msatom/shared/consumer"
	"msatom/shared/money"
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
		return nil, errors.New("it has no customer")
	}
	for _, l := range o.Lines {
		if l.Count < 1 || l.Item.Price < 0 || l.Item.Price > (money.Max-c.Value)/money.Amount(l.Count) {
			return nil, errors.New("it has no value")
		}
		c.Value += l.Item.Price.Times(l.Count)
	}
	c.Bonus = (c.Value*percent + 50) / 100
	if o.Status == "cancelled" {
		c.Status, c.Bonus = "withdrawn", 0
	}
	return c, nil
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

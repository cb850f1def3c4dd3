// How an order becomes an invoice, and how invoices are saved.
//
// The follower (shared/follow/follow.go) hands over the new entries of order's feed, in the transaction in which it holds the cursor
// (shared/follow/transaction.go). Of each order in them, makeInvoice makes an invoice; save saves all of them. In the same
// transaction the invoices are acknowledged in invoicing's own feed (shared/consumer/consumer.go) and the cursor moves.
package main

import (
	"errors"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// order is what invoicing needs to know of an order.
type order struct {
	Status   string   `json:"status"` // the Java original has none
	Customer Customer `json:"customer"`
	Billing  Address  `json:"billingAddress"`
	Lines    []Line   `json:"orderLine"`
}

func makeInvoice(o order) (*Invoice, error) {
	if o.Customer.ID < 1 {
		return nil, errors.New("the order has no customer")
	}
	i := &Invoice{Customer: o.Customer, Billing: o.Billing, Lines: o.Lines}
	if !i.sumUp() {
		return nil, errors.New("the order has no valid total")
	}
	i.Status = open
	if o.Status == "cancelled" {
		i.Status = void
	}
	return i, nil
}

// An invoice from the same or a later event of the same log stays as it is, so nothing changes if entries are read again.
const upsertInvoices = `
	INSERT INTO invoice AS old (id, updated, status, instance, log, position, total,
	       customer_id, customer_name, customer_firstname, customer_email, billing_street, billing_zip, billing_city)
	SELECT * FROM unnest(?::bigint[], ?::timestamptz[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::numeric[],
	       ?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
	ON CONFLICT (id) DO UPDATE SET
	       updated = excluded.updated, status = excluded.status, instance = excluded.instance, log = excluded.log, position = excluded.position,
	       total = excluded.total, customer_id = excluded.customer_id, customer_name = excluded.customer_name,
	       customer_firstname = excluded.customer_firstname, customer_email = excluded.customer_email,
	       billing_street = excluded.billing_street, billing_zip = excluded.billing_zip, billing_city = excluded.billing_city
	WHERE old.log <> excluded.log OR old.position < excluded.position
	RETURNING id`

const insertLines = `
	INSERT INTO invoice_line (invoice_id, number, count, item_id, name, price)
	SELECT * FROM unnest(?::bigint[], ?::int[], ?::int[], ?::bigint[], ?::text[], ?::numeric[])
	AS line (invoice_id, number, count, item_id, name, price) WHERE invoice_id IN (SELECT unnest(?::bigint[]))`

// save saves invoices and returns the ids of those that it wrote.
func save(tx *gorm.DB, invoices []*Invoice) (saved []int64, err error) {
	var rows, lines postgres.Rows
	for _, i := range invoices {
		rows.Add(i.ID, i.Updated, i.Status, i.Instance, i.Log, i.Position, i.Total,
			i.Customer.ID, i.Customer.Name, i.Customer.Firstname, i.Customer.Email, i.Billing.Street, i.Billing.Zip, i.Billing.City)
		for n, l := range i.Lines {
			lines.Add(i.ID, n+1, l.Count, l.Item.ID, l.Item.Name, l.Item.Price)
		}
	}
	if err := tx.Raw(upsertInvoices, rows.Columns()...).Scan(&saved).Error; err != nil {
		return nil, err
	}
	if err := tx.Exec("DELETE FROM invoice_line WHERE invoice_id = ANY (?)", postgres.Array(saved)).Error; err != nil {
		return nil, err
	}
	if lines.Len() == 0 {
		return saved, nil
	}
	return saved, tx.Exec(insertLines, append(lines.Columns(), postgres.Array(saved))...).Error
}

// How entries become invoices. The poller (shared/poll/poller.go) hands them over in the transaction in which it holds the
// cursor; what is written here is committed together with the cursor's move, or not at all.
//
// The orders are read from their snapshots, all invoices of a document are written by one statement and their lines by
// another. An invoice that is there from the same or a newer event stays as it is: so reading anything twice changes nothing.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/poll"
)

// order is what invoicing needs to know of an order.
type order struct {
	ID       int64    `json:"id"`
	Status   string   `json:"status"` // the original has none
	Customer Customer `json:"customer"`
	Billing  Address  `json:"billingAddress"`
	Lines    []Line   `json:"orderLine"`
}

// bill is an invoice on its way into the database, with the event that it is from.
type bill struct {
	Invoice
	Log      string `json:"log"`
	Position int64  `json:"position"`
	entry    string
}

func consumer(instance string, log *feed.Log) poll.Handler {
	return func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		var bills []bill
		for _, e := range entries {
			var o order
			if err := json.Unmarshal(e.Content, &o); err != nil {
				return nil, fmt.Errorf("not an order: %w", err)
			}
			if o.ID < 1 || o.Customer.ID < 1 {
				return nil, errors.New("not an order: it has no id or no customer")
			}
			invoice := Invoice{ID: o.ID, Customer: o.Customer, Updated: e.Updated, Billing: o.Billing, Lines: o.Lines, Status: open, Instance: instance}
			if o.Status == "cancelled" {
				invoice.Status = void
			}
			bills = append(bills, bill{invoice, e.Epoch, e.Position, e.ID})
		}
		tx = tx.WithContext(ctx)
		if written, err = write(tx, bills); err != nil {
			return nil, err
		}
		return written, publish(tx, log, bills, written)
	}
}

// publish acknowledges what was written, in the same transaction.
func publish(tx *gorm.DB, log *feed.Log, bills []bill, written []int64) error {
	var events []feed.Event
	for _, b := range bills {
		if slices.Contains(written, b.ID) {
			e, err := acknowledge(b.Invoice, b.entry)
			if err != nil {
				return err
			}
			events = append(events, e)
		}
	}
	return log.Append(tx, events...)
}

// write returns the ids of the invoices that are new or changed.
func write(tx *gorm.DB, bills []bill) (written []int64, err error) {
	batch, err := json.Marshal(bills)
	if err != nil {
		return nil, err
	}
	if err := tx.Raw(writeInvoices, string(batch)).Scan(&written).Error; err != nil || len(written) == 0 {
		return nil, err
	}
	if err := tx.Exec("DELETE FROM invoice_line WHERE invoice_id IN ?", written).Error; err != nil {
		return nil, err
	}
	return written, tx.Exec(writeLines, string(batch), written).Error
}

const writeInvoices = `
	INSERT INTO invoice AS old
	SELECT id, updated, status,
	       (customer->>'customerId')::bigint, customer->>'name', customer->>'firstname', customer->>'email',
	       "billingAddress"->>'street', "billingAddress"->>'zip', "billingAddress"->>'city',
	       instance, log, position
	FROM json_to_recordset(?) AS bill(id bigint, updated timestamptz, status text, customer json, "billingAddress" json,
	                                  instance text, log text, position bigint)
	ON CONFLICT (id) DO UPDATE SET
	       updated = excluded.updated, status = excluded.status,
	       customer_id = excluded.customer_id, customer_name = excluded.customer_name,
	       customer_firstname = excluded.customer_firstname, customer_email = excluded.customer_email,
	       billing_street = excluded.billing_street, billing_zip = excluded.billing_zip, billing_city = excluded.billing_city,
	       instance = excluded.instance, log = excluded.log, position = excluded.position
	WHERE old.log <> excluded.log OR old.position < excluded.position
	RETURNING id`

const writeLines = `
	INSERT INTO invoice_line
	SELECT bill.id, number, (line->>'count')::int, (line->'item'->>'itemId')::bigint, line->'item'->>'name', (line->'item'->>'price')::numeric
	FROM json_to_recordset(?) AS bill(id bigint, "invoiceLine" json),
	     json_array_elements(bill."invoiceLine") WITH ORDINALITY AS lines(line, number)
	WHERE bill.id IN ?`

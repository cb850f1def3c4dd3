// How an order becomes a shipment, and how shipments are saved. It is the twin of invoicing/consumer.go, which tells the story; what
// differs is what is kept of an order: where to send which items.
package main

import (
	"errors"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

// order is what shipping needs to know of an order.
type order struct {
	Status   string   `json:"status"` // the Java original has none
	Customer Customer `json:"customer"`
	Shipping Address  `json:"shippingAddress"`
	Lines    []Line   `json:"orderLine"`
}

func makeShipment(o order) (*Shipment, error) {
	if o.Customer.ID < 1 {
		return nil, errors.New("the order has no customer")
	}
	s := &Shipment{Customer: o.Customer, Shipping: o.Shipping, Lines: o.Lines}
	s.Status = ready
	if o.Status == "cancelled" {
		s.Status = stopped
	}
	return s, nil
}

// A shipment from the same or a later event of the same log stays as it is.
const upsertShipments = `
	INSERT INTO shipment AS old (id, updated, status, instance, log, position,
	       customer_id, customer_name, customer_firstname, customer_email, shipping_street, shipping_zip, shipping_city)
	SELECT * FROM unnest(?::bigint[], ?::timestamptz[], ?::text[], ?::text[], ?::text[], ?::bigint[],
	       ?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
	ON CONFLICT (id) DO UPDATE SET
	       updated = excluded.updated, status = excluded.status, instance = excluded.instance, log = excluded.log, position = excluded.position,
	       customer_id = excluded.customer_id, customer_name = excluded.customer_name,
	       customer_firstname = excluded.customer_firstname, customer_email = excluded.customer_email,
	       shipping_street = excluded.shipping_street, shipping_zip = excluded.shipping_zip, shipping_city = excluded.shipping_city
	WHERE old.log <> excluded.log OR old.position < excluded.position
	RETURNING id`

const insertLines = `
	INSERT INTO shipment_line (shipment_id, number, count, item_id, name)
	SELECT * FROM unnest(?::bigint[], ?::int[], ?::int[], ?::bigint[], ?::text[])
	AS line (shipment_id, number, count, item_id, name) WHERE shipment_id IN (SELECT unnest(?::bigint[]))`

// save saves shipments and returns the ids of those that it wrote.
func save(tx *gorm.DB, shipments []*Shipment) (saved []int64, err error) {
	var rows, lines postgres.Rows
	for _, s := range shipments {
		rows.Add(s.ID, s.Updated, s.Status, s.Instance, s.Log, s.Position,
			s.Customer.ID, s.Customer.Name, s.Customer.Firstname, s.Customer.Email, s.Shipping.Street, s.Shipping.Zip, s.Shipping.City)
		for n, l := range s.Lines {
			lines.Add(s.ID, n+1, l.Count, l.Item.ID, l.Item.Name)
		}
	}
	if err := tx.Raw(upsertShipments, rows.Columns()...).Scan(&saved).Error; err != nil {
		return nil, err
	}
	if err := tx.Exec("DELETE FROM shipment_line WHERE shipment_id = ANY (?)", postgres.Array(saved)).Error; err != nil {
		return nil, err
	}
	if lines.Len() == 0 {
		return saved, nil
	}
	return saved, tx.Exec(insertLines, append(lines.Columns(), postgres.Array(saved))...).Error
}

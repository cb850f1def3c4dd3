// How entries become shipments, in the transaction in which the poller (shared/poll/poller.go) holds the cursor. It is the
// twin of invoicing/consumer.go, which tells the story; what differs is what is kept of an order: where to send which items.
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

// order is what shipping needs to know of an order.
type order struct {
	ID       int64    `json:"id"`
	Status   string   `json:"status"` // the original has none
	Customer Customer `json:"customer"`
	Shipping Address  `json:"shippingAddress"`
	Lines    []Line   `json:"orderLine"`
}

// parcel is a shipment on its way into the database, with the event that it is from.
type parcel struct {
	Shipment
	Log      string `json:"log"`
	Position int64  `json:"position"`
	entry    string
}

func consumer(instance string, log *feed.Log) poll.Handler {
	return func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		var parcels []parcel
		for _, e := range entries {
			var o order
			if err := json.Unmarshal(e.Content, &o); err != nil {
				return nil, fmt.Errorf("not an order: %w", err)
			}
			if o.ID < 1 || o.Customer.ID < 1 {
				return nil, errors.New("not an order: it has no id or no customer")
			}
			shipment := Shipment{ID: o.ID, Customer: o.Customer, Updated: e.Updated, Shipping: o.Shipping, Lines: o.Lines, Status: ready, Instance: instance}
			if o.Status == "cancelled" {
				shipment.Status = stopped
			}
			parcels = append(parcels, parcel{shipment, e.Epoch, e.Position, e.ID})
		}
		tx = tx.WithContext(ctx)
		if written, err = write(tx, parcels); err != nil {
			return nil, err
		}
		return written, publish(tx, log, parcels, written)
	}
}

// publish acknowledges what was written, in the same transaction.
func publish(tx *gorm.DB, log *feed.Log, parcels []parcel, written []int64) error {
	var events []feed.Event
	for _, b := range parcels {
		if slices.Contains(written, b.ID) {
			e, err := acknowledge(b.Shipment, b.entry)
			if err != nil {
				return err
			}
			events = append(events, e)
		}
	}
	return log.Append(tx, events...)
}

// write returns the ids of the shipments that are new or changed.
func write(tx *gorm.DB, parcels []parcel) (written []int64, err error) {
	batch, err := json.Marshal(parcels)
	if err != nil {
		return nil, err
	}
	if err := tx.Raw(writeShipments, string(batch)).Scan(&written).Error; err != nil || len(written) == 0 {
		return nil, err
	}
	if err := tx.Exec("DELETE FROM shipment_line WHERE shipment_id IN ?", written).Error; err != nil {
		return nil, err
	}
	return written, tx.Exec(writeLines, string(batch), written).Error
}

const writeShipments = `
	INSERT INTO shipment AS old
	SELECT id, updated, status,
	       (customer->>'customerId')::bigint, customer->>'name', customer->>'firstname', customer->>'email',
	       "shippingAddress"->>'street', "shippingAddress"->>'zip', "shippingAddress"->>'city',
	       instance, log, position
	FROM json_to_recordset(?) AS parcel(id bigint, updated timestamptz, status text, customer json, "shippingAddress" json,
	                                  instance text, log text, position bigint)
	ON CONFLICT (id) DO UPDATE SET
	       updated = excluded.updated, status = excluded.status,
	       customer_id = excluded.customer_id, customer_name = excluded.customer_name,
	       customer_firstname = excluded.customer_firstname, customer_email = excluded.customer_email,
	       shipping_street = excluded.shipping_street, shipping_zip = excluded.shipping_zip, shipping_city = excluded.shipping_city,
	       instance = excluded.instance, log = excluded.log, position = excluded.position
	WHERE old.log <> excluded.log OR old.position < excluded.position
	RETURNING id`

const writeLines = `
	INSERT INTO shipment_line
	SELECT parcel.id, number, (line->>'count')::int, (line->'item'->>'itemId')::bigint, line->'item'->>'name'
	FROM json_to_recordset(?) AS parcel(id bigint, "shipmentLine" json),
	     json_array_elements(parcel."shipmentLine") WITH ORDINALITY AS lines(line, number)
	WHERE parcel.id IN ?`

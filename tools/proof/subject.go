package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Subject is what is on trial: msatom, or msatom with services replaced by naive designs. Its SQL says where the facts are.
// What must be true of them is the same for every subject (checks.go).
type Subject struct {
	Name      string
	Replace   map[string]string // service: folder of the program that takes its place
	Instances map[string]int    // service: number of instances while no fault changes it

	Faults    []Kind
	Disturbed []string          // services whose instances suffer the faults
	Tables    map[string]string // service: a table that it writes in the middle of its transactions, for faults that lock one

	Changes    bool          // writers also change and cancel orders, and order items that they have added
	Archive    []string      // media types of archived documents; empty if the subject does not archive
	Deliveries bool          // order reports at /order/deliveries what its consumers have acknowledged
	Patience   time.Duration // how long consumers may take to catch up after the last order

	Head      string // SQL: last position, number of events without a position
	Events    string // SQL: position or 0, subject, snapshot, time of commit, id of the entry
	Orders    string // SQL: id of the order, the order as JSON
	Consumers []Consumer
}

// Consumer is a service that follows the feed of orders.
type Consumer struct {
	Name        string
	Record      string // what it writes for each order, such as "invoice"
	Billing     bool   // its record has prices and the billing address, otherwise only the shipping address
	Table       string // of its records
	Records     string // SQL: id of the order, the record as JSON
	Cursor      string // SQL: the last position that it has processed
	DeadLetters string // SQL: positions of its dead letters; empty if it has none by design
	Acks        string // SQL: id of the acknowledged entry, time of commit; empty if it does not acknowledge
}

// msatom returns the system itself as the subject.
func msatom() Subject {
	return Subject{
		Name:       "msatom",
		Instances:  map[string]int{"order": 2, "invoicing": 3, "shipping": 3},
		Faults:     slices.Concat(instanceFaults, surroundingFaults),
		Disturbed:  []string{"order", "invoicing", "shipping"},
		Tables:     map[string]string{"order": `"order".order_line`, "invoicing": "invoicing.invoice", "shipping": "shipping.shipment"},
		Changes:    true,
		Archive:    []string{"application/atom+xml", "application/rss+xml", "application/json", "application/cloudevents-batch+json"},
		Deliveries: true,
		Patience:   2 * time.Minute,
		Head:       `SELECT coalesce((SELECT max(position) FROM "order".outbox_position), 0), (SELECT count(*) FROM "order".outbox_pending)`,
		Events: `SELECT coalesce(p.position, 0), e.subject, e.snapshot, pg_xact_commit_timestamp(e.xmin),
				coalesce('tag:msatom.example,2026:order/' || log.epoch || '/' || p.position, '')
			FROM "order".outbox_log log, "order".outbox_event e LEFT JOIN "order".outbox_position p ON p.event_id = e.id ORDER BY 1`,
		Orders: `
			SELECT o.id, json_build_object('id', o.id, 'status', o.status,
				'customer', (SELECT json_build_object('customerId', c.customer_id, 'name', c.name, 'firstname', c.firstname, 'email', c.email)
					FROM "order".customer c WHERE c.customer_id = o.customer_id),
				'shippingAddress', json_build_object('street', o.shipping_street, 'zip', o.shipping_zip, 'city', o.shipping_city),
				'billingAddress', json_build_object('street', o.billing_street, 'zip', o.billing_zip, 'city', o.billing_city),
				'orderLine', (SELECT json_agg(json_build_object('count', l.count, 'item', json_build_object('itemId', l.item_id, 'name', l.name, 'price', l.price)) ORDER BY l.number)
					FROM "order".order_line l WHERE l.order_id = o.id))
			FROM "order".orders o`,
		Consumers: []Consumer{
			consumer("invoicing", "invoice", "void", "billing", true),
			consumer("shipping", "shipment", "stopped", "shipping", false),
		},
	}
}

// consumer describes a consumer of msatom; their tables are alike.
func consumer(name, record, void, address string, billing bool) Consumer {
	price := ""
	if billing {
		price = ", 'price', l.price"
	}
	return Consumer{
		Name: name, Record: record, Billing: billing, Table: name + "." + record,
		Records: strings.NewReplacer("RECORD", name+"."+record, "ID", record+"_id", "VOID", void, "ADDRESS", address, "PRICE", price).Replace(`
			SELECT r.id, json_build_object('void', r.status = 'VOID',
				'customer', json_build_object('customerId', r.customer_id, 'name', r.customer_name, 'firstname', r.customer_firstname, 'email', r.customer_email),
				'address', json_build_object('street', r.ADDRESS_street, 'zip', r.ADDRESS_zip, 'city', r.ADDRESS_city),
				'lines', (SELECT json_agg(json_build_object('count', l.count, 'item', json_build_object('itemId', l.item_id, 'name', l.namePRICE)) ORDER BY l.number)
					FROM RECORD_line l WHERE l.ID = r.id))
			FROM RECORD r`),
		Cursor:      fmt.Sprintf(`SELECT position FROM %s.follow_cursor WHERE feed = 'order'`, name),
		DeadLetters: fmt.Sprintf(`SELECT position FROM %s.dead_letter WHERE feed = 'order'`, name),
		Acks:        fmt.Sprintf(`SELECT reply_to, pg_xact_commit_timestamp(xmin) FROM %s.outbox_event`, name),
	}
}

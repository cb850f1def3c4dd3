package proof

import (
	"fmt"
	"strings"
	"time"
)

// Subject is what is on trial: msatom, or msatom with services exchanged for naive ones. The SQL says where the facts are;
// what must be true of them is the same for all (checks.go).
type Subject struct {
	Name       string
	Sources    map[string]string // folder of the program that takes the place of a service
	Instances  map[string]int    // of each service, when nothing is done to it
	Faults     []Kind            // what is done to it
	Disturbed  []string          // services whose instances it is done to
	Tables     map[string]string // of each of these, one that it writes in the middle of its transactions
	Changes    bool              // writers also change and cancel orders, and order what they have put on the list of items
	Archive    []string          // media types in which documents are archived; none: they are not
	Head       string            // SQL: the last position, and how many events have none yet
	Events     string            // SQL: feed_position or 0, subject, kind, snapshot, committed, entry's id
	Deliveries bool              // order knows what its consumers have acknowledged, and says so at /order/deliveries
	Orders     string            // SQL: all orders, the id and the order as JSON
	Consumers  []Consumer
	Patience   time.Duration // with consumers that are behind when all is quiet again
}

// Consumer is a service that follows the feed of orders.
type Consumer struct {
	Name    string
	Record  string // what it writes for each order: "invoice"
	Billing bool   // with prices, and to the billing address
	Table   string // where
	Records string // SQL: order's id, whether it is void, its content as JSON
	Cursor  string // SQL: the last position that it has passed
	Parked  string // SQL: the positions of the entries that it has set aside; "" if it cannot
	Acks    string // SQL: entries' ids that it has acknowledged, and when that was committed; "" if it does not
}

// Msatom is the system itself.
func Msatom() Subject {
	return Subject{
		Name:       "msatom",
		Instances:  map[string]int{"order": 2, "invoicing": 3, "shipping": 3},
		Faults:     append(append([]Kind{}, ofInstances...), ofSurroundings...),
		Disturbed:  []string{"order", "invoicing", "shipping"},
		Tables:     map[string]string{"order": `"order".order_line`, "invoicing": "invoicing.invoice", "shipping": "shipping.shipment"},
		Changes:    true,
		Deliveries: true,
		Archive:    []string{"application/atom+xml", "application/rss+xml", "application/json", "application/cloudevents-batch+json"},
		Events: `SELECT coalesce(p.position, 0), e.subject, e.kind, e.snapshot, pg_xact_commit_timestamp(e.xmin),
			'tag:msatom.example,2026:order/' || log.epoch || '/' || p.position
			FROM "order".feed_log log, "order".feed_event e LEFT JOIN "order".feed_position p ON p.event_id = e.id ORDER BY 1`,
		Head: `SELECT coalesce((SELECT max(position) FROM "order".feed_position), 0), (SELECT count(*) FROM "order".feed_pending)`,
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
		Patience: 2 * time.Minute,
	}
}

// consumer is one of msatom's, whose tables are alike.
func consumer(name, record, void, address string, billing bool) Consumer {
	price := ""
	if billing {
		price = ", 'price', l.price"
	}
	return Consumer{
		Name: name, Record: record, Billing: billing, Table: name + "." + record,
		Records: strings.NewReplacer("RECORD", name+"."+record, "ID", record+"_id", "VOID", void, "ADDRESS", address, "PRICE", price).Replace(`
			SELECT r.id, r.status = 'VOID', json_build_object(
				'customer', json_build_object('customerId', r.customer_id, 'name', r.customer_name, 'firstname', r.customer_firstname, 'email', r.customer_email),
				'address', json_build_object('street', r.ADDRESS_street, 'zip', r.ADDRESS_zip, 'city', r.ADDRESS_city),
				'lines', (SELECT json_agg(json_build_object('count', l.count, 'item', json_build_object('itemId', l.item_id, 'name', l.namePRICE)) ORDER BY l.number)
					FROM RECORD_line l WHERE l.ID = r.id))
			FROM RECORD r`),
		Cursor: fmt.Sprintf(`SELECT position FROM %s.poll_cursor WHERE feed = 'order'`, name),
		Parked: fmt.Sprintf(`SELECT position FROM %s.poll_parked WHERE feed = 'order'`, name),
		Acks:   fmt.Sprintf(`SELECT reply_to, pg_xact_commit_timestamp(xmin) FROM %s.feed_event`, name),
	}
}

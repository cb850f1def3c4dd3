-- +goose Up

-- What an order costs, the sum of its lines: lists are sorted by it.
ALTER TABLE orders ADD COLUMN total numeric(16, 2) NOT NULL DEFAULT 0;
UPDATE orders SET total = lines.total
FROM (SELECT order_id, sum(count * price) AS total FROM order_line GROUP BY order_id) lines WHERE lines.order_id = orders.id;
CREATE INDEX orders_total ON orders (total, id);
CREATE INDEX orders_customer_total ON orders (customer_id, total, id);

-- In the order form, customers and items are found by their names.
CREATE INDEX customer_name ON customer (lower(firstname || ' ' || name));
CREATE INDEX item_name ON item (lower(name));

-- +goose Up

CREATE TABLE customer (
    customer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    firstname   text NOT NULL,
    email       text NOT NULL
);
CREATE INDEX customer_name ON customer (lower(firstname || ' ' || name));
INSERT INTO customer (firstname, name, email) VALUES -- the original's, so that the first order can be placed at once
    ('Eberhard', 'Wolff', 'eberhard.wolff@example.com'), ('Rod', 'Johnson', 'rod.johnson@example.com');

CREATE TABLE item (
    item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL,
    price   numeric(12, 2) NOT NULL CHECK (price >= 0)
);
CREATE INDEX item_name ON item (lower(name));
INSERT INTO item (name, price) VALUES ('iPod', 42), ('iPod touch', 21), ('iPod nano', 1), ('Apple TV', 100);

CREATE TABLE orders (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id     bigint NOT NULL REFERENCES customer,
    status          text   NOT NULL CHECK (status IN ('placed', 'cancelled')),
    version         int    NOT NULL DEFAULT 1,    -- grows with every change
    request         text   UNIQUE,                -- idempotency key: a repeated request places one order
    request_hash    text   NOT NULL DEFAULT '',   -- of what the request with the key asked for
    changed         timestamptz NOT NULL,         -- served as "updated" until the change is published
    total           numeric(16, 2) NOT NULL DEFAULT 0, -- sum of the lines, for sorting
    shipping_street text NOT NULL, shipping_zip text NOT NULL, shipping_city text NOT NULL,
    billing_street  text NOT NULL, billing_zip  text NOT NULL, billing_city  text NOT NULL
);
CREATE INDEX orders_customer ON orders (customer_id, id);
CREATE INDEX orders_total ON orders (total, id);
CREATE INDEX orders_customer_total ON orders (customer_id, total, id);

-- Name and price are those of the item when it was ordered.
CREATE TABLE order_line (
    order_id bigint NOT NULL REFERENCES orders,
    number   int    NOT NULL,
    count    int    NOT NULL CHECK (count > 0),
    item_id  bigint NOT NULL REFERENCES item,
    name     text   NOT NULL,
    price    numeric(12, 2) NOT NULL,
    PRIMARY KEY (order_id, number)
);

-- The latest entry of each order that each consumer has acknowledged. This acknowledges the earlier ones too, since each entry
-- holds the whole order.
CREATE TABLE acknowledgement (
    consumer text   NOT NULL,
    order_id bigint NOT NULL,
    position bigint NOT NULL,      -- of the acknowledged entry
    seen     timestamptz NOT NULL, -- when order read the acknowledgement, by this database's clock
    took     double precision,     -- seconds from publication to seen
    instance text   NOT NULL,      -- of the consumer
    record   text   NOT NULL,      -- path of the consumer's record
    PRIMARY KEY (consumer, order_id)
);
CREATE INDEX acknowledgement_latest ON acknowledgement (consumer, position) INCLUDE (took);

-- The last position that each consumer has acknowledged. Entries after it are open. Entries before it are acknowledged, except for
-- the holes. So both tables stay small however long the log is.
CREATE TABLE delivery (
    consumer text PRIMARY KEY,
    last     bigint NOT NULL DEFAULT 0
);
CREATE TABLE delivery_hole (
    consumer text   NOT NULL,
    position bigint NOT NULL,
    order_id bigint NOT NULL,
    PRIMARY KEY (consumer, position)
);
CREATE INDEX delivery_hole_order ON delivery_hole (consumer, order_id);

-- How often an order was republished automatically.
CREATE TABLE republication (
    order_id bigint PRIMARY KEY,
    attempts int NOT NULL
);

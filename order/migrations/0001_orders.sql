-- +goose Up
CREATE TABLE customer (
    customer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    firstname   text NOT NULL,
    email       text NOT NULL
);

CREATE TABLE item (
    item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL,
    price   numeric(12, 2) NOT NULL CHECK (price >= 0)
);

CREATE TABLE orders (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id     bigint NOT NULL REFERENCES customer,
    status          text   NOT NULL CHECK (status IN ('placed', 'cancelled')),
    version         int    NOT NULL DEFAULT 1,    -- grows with every change
    request         text   UNIQUE,                -- names the request that placed it: sent twice, it places one order
    changed         timestamptz NOT NULL,         -- shown as "updated" until the log has published the change
    shipping_street text NOT NULL, shipping_zip text NOT NULL, shipping_city text NOT NULL,
    billing_street  text NOT NULL, billing_zip  text NOT NULL, billing_city  text NOT NULL
);
CREATE INDEX orders_customer ON orders (customer_id, id);

-- Name and price are the item's when the order was placed.
CREATE TABLE order_line (
    order_id bigint NOT NULL REFERENCES orders,
    number   int    NOT NULL,
    count    int    NOT NULL CHECK (count > 0),
    item_id  bigint NOT NULL REFERENCES item,
    name     text   NOT NULL,
    price    numeric(12, 2) NOT NULL,
    PRIMARY KEY (order_id, number)
);

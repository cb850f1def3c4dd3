-- +goose Up

-- What each consumer has acknowledged of an order: the latest entry of our feed that it answered. Its earlier ones are
-- acknowledged with it, as each holds all that they did.
CREATE TABLE acknowledgement (
    consumer text   NOT NULL,
    order_id bigint NOT NULL,
    position bigint NOT NULL,      -- of the entry that it answers
    seen     timestamptz NOT NULL, -- by this database's clock
    took     double precision,     -- seconds from publishing to then, by the same clock
    instance text   NOT NULL,      -- of the consumer
    record   text   NOT NULL,      -- path of what it has made of the order
    PRIMARY KEY (consumer, order_id)
);
CREATE INDEX acknowledgement_latest ON acknowledgement (consumer, position) INCLUDE (took);

-- How far each consumer is. What comes after the last position that it acknowledged is open, what comes before is
-- acknowledged, except for the holes: so both tables stay small, however long the log is.
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

-- How often an order was published again by itself, since a consumer has not acknowledged it.
CREATE TABLE republication (
    order_id bigint PRIMARY KEY,
    attempts int NOT NULL
);

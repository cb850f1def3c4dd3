-- +goose Up

-- One shipment for an order: its key is the order's. It remembers which event it is from, so that an older one never
-- overwrites a newer one.
CREATE TABLE shipment (
    id                 bigint PRIMARY KEY,
    updated            timestamptz NOT NULL,
    status             text   NOT NULL CHECK (status IN ('ready', 'stopped')),
    customer_id        bigint NOT NULL,
    customer_name      text   NOT NULL,
    customer_firstname text   NOT NULL,
    customer_email     text   NOT NULL,
    shipping_street     text   NOT NULL,
    shipping_zip        text   NOT NULL,
    shipping_city       text   NOT NULL,
    instance           text   NOT NULL,   -- wrote it
    log                text   NOT NULL,   -- the event is from this log,
    position           bigint NOT NULL    -- at this position
);

CREATE TABLE shipment_line (
    shipment_id bigint NOT NULL REFERENCES shipment,
    number     int    NOT NULL,
    count      int    NOT NULL CHECK (count > 0),
    item_id    bigint NOT NULL,
    name       text   NOT NULL,
    PRIMARY KEY (shipment_id, number)
);

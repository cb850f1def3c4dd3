-- +goose Up

-- One invoice for an order: its key is the order's. It remembers which event it is from, so that an older one never
-- overwrites a newer one.
CREATE TABLE invoice (
    id                 bigint PRIMARY KEY,
    updated            timestamptz NOT NULL,
    status             text   NOT NULL CHECK (status IN ('open', 'void')),
    customer_id        bigint NOT NULL,
    customer_name      text   NOT NULL,
    customer_firstname text   NOT NULL,
    customer_email     text   NOT NULL,
    billing_street     text   NOT NULL,
    billing_zip        text   NOT NULL,
    billing_city       text   NOT NULL,
    instance           text   NOT NULL,   -- wrote it
    log                text   NOT NULL,   -- the event is from this log,
    position           bigint NOT NULL    -- at this position
);

CREATE TABLE invoice_line (
    invoice_id bigint NOT NULL REFERENCES invoice,
    number     int    NOT NULL,
    count      int    NOT NULL CHECK (count > 0),
    item_id    bigint NOT NULL,
    name       text   NOT NULL,
    price      numeric(12, 2) NOT NULL,
    PRIMARY KEY (invoice_id, number)
);

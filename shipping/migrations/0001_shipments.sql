-- +goose Up

-- One shipment per order, with the order's id as its key. It keeps the event that it was made from, so that an older event never
-- overwrites a newer one.
CREATE TABLE shipment (
    id                 bigint PRIMARY KEY,
    updated            timestamptz NOT NULL,
    status             text   NOT NULL CHECK (status IN ('ready', 'stopped')),
    customer_id        bigint NOT NULL,
    customer_name      text   NOT NULL,
    customer_firstname text   NOT NULL,
    customer_email     text   NOT NULL,
    shipping_street    text   NOT NULL,
    shipping_zip       text   NOT NULL,
    shipping_city      text   NOT NULL,
    instance           text   NOT NULL,   -- saved it
    log                text   NOT NULL,   -- the event is from this log,
    position           bigint NOT NULL    -- at this position
);

CREATE TABLE shipment_line (
    shipment_id bigint NOT NULL REFERENCES shipment,
    number      int    NOT NULL,
    count       int    NOT NULL CHECK (count > 0),
    item_id     bigint NOT NULL,
    name        text   NOT NULL,
    PRIMARY KEY (shipment_id, number)
);

-- The customers that have a shipment, so that a list filtered by name reads only theirs. Conflicts are ignored, not locked:
-- several transactions may save the same customer.
CREATE INDEX shipment_customer ON shipment (customer_id, id);
CREATE TABLE customer (
    customer_id bigint NOT NULL,
    firstname   text   NOT NULL,
    name        text   NOT NULL,
    PRIMARY KEY (customer_id, firstname, name)
);

-- +goose StatementBegin
CREATE FUNCTION note_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer SELECT DISTINCT customer_id, customer_firstname, customer_name FROM saved ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER shipment_inserted AFTER INSERT ON shipment REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION note_customers();
CREATE TRIGGER shipment_updated AFTER UPDATE ON shipment REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION note_customers();

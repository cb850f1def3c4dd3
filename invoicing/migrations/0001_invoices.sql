-- +goose Up

-- One invoice per order, with the order's id as its key. It keeps the event that it was made from, so that an older event never
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
    instance           text   NOT NULL,   -- saved it
    log                text   NOT NULL,   -- the event is from this log,
    position           bigint NOT NULL,   -- at this position
    total              numeric(16, 2) NOT NULL -- sum of the lines, for sorting
);
CREATE INDEX invoice_total ON invoice (total, id);
CREATE INDEX invoice_customer_total ON invoice (customer_id, total, id);

CREATE TABLE invoice_line (
    invoice_id bigint NOT NULL REFERENCES invoice,
    number     int    NOT NULL,
    count      int    NOT NULL CHECK (count > 0),
    item_id    bigint NOT NULL,
    name       text   NOT NULL,
    price      numeric(12, 2) NOT NULL,
    PRIMARY KEY (invoice_id, number)
);

-- The customers that have an invoice, so that a list filtered by name reads only theirs. Conflicts are ignored, not locked:
-- several transactions may save the same customer.
CREATE INDEX invoice_customer ON invoice (customer_id, id);
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
CREATE TRIGGER invoice_inserted AFTER INSERT ON invoice REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION note_customers();
CREATE TRIGGER invoice_updated AFTER UPDATE ON invoice REFERENCING NEW TABLE AS saved FOR EACH STATEMENT EXECUTE FUNCTION note_customers();

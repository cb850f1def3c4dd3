-- +goose Up

-- Who has shipments, so that a list filtered by a name need not look at all of them: as in invoicing.
CREATE INDEX shipment_customer ON shipment (customer_id, id);
CREATE TABLE customer (
    customer_id bigint NOT NULL,
    firstname   text   NOT NULL,
    name        text   NOT NULL,
    PRIMARY KEY (customer_id, firstname, name)
);
INSERT INTO customer SELECT DISTINCT customer_id, customer_firstname, customer_name FROM shipment;

-- +goose StatementBegin
CREATE FUNCTION note_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer SELECT DISTINCT customer_id, customer_firstname, customer_name FROM written ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER shipment_inserted AFTER INSERT ON shipment REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_customers();
CREATE TRIGGER shipment_updated AFTER UPDATE ON shipment REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_customers();

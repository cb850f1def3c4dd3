-- +goose Up

-- What lists are sorted by: the sum of an invoice's lines.
ALTER TABLE invoice ADD COLUMN total numeric(16, 2) NOT NULL DEFAULT 0;
UPDATE invoice SET total = lines.total
FROM (SELECT invoice_id, sum(count * price) AS total FROM invoice_line GROUP BY invoice_id) lines WHERE lines.invoice_id = invoice.id;
CREATE INDEX invoice_total ON invoice (total, id);
CREATE INDEX invoice_customer ON invoice (customer_id, id);
CREATE INDEX invoice_customer_total ON invoice (customer_id, total, id);

-- Who has invoices, so that a list filtered by a name need not look at all of them. Nothing is locked that is there already: several
-- transactions may find the same customer.
CREATE TABLE customer (
    customer_id bigint NOT NULL,
    firstname   text   NOT NULL,
    name        text   NOT NULL,
    PRIMARY KEY (customer_id, firstname, name)
);
INSERT INTO customer SELECT DISTINCT customer_id, customer_firstname, customer_name FROM invoice;

-- +goose StatementBegin
CREATE FUNCTION note_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer SELECT DISTINCT customer_id, customer_firstname, customer_name FROM written ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER invoice_inserted AFTER INSERT ON invoice REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_customers();
CREATE TRIGGER invoice_updated AFTER UPDATE ON invoice REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION note_customers();

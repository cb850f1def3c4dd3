-- +goose Up

-- One credit per order, with the order's id as its key. It keeps the event that it was made from, so that an older event never
-- overwrites a newer one.
CREATE TABLE credit (
    id                 bigint PRIMARY KEY,
    updated            timestamptz NOT NULL,
    status             text   NOT NULL CHECK (status IN ('credited', 'withdrawn')),
    instance           text   NOT NULL,   -- saved it
    log                text   NOT NULL,   -- the event is from this log,
    position           bigint NOT NULL,   -- at this position
    customer_id        bigint NOT NULL,
    customer_name      text   NOT NULL,
    customer_firstname text   NOT NULL,
    value              numeric(16, 2) NOT NULL,
    bonus              numeric(16, 2) NOT NULL CHECK (bonus >= 0)
);

CREATE INDEX ON credit (customer_id, id DESC);

-- The sum of a customer's credits, under the name in the latest order.
CREATE VIEW account AS
SELECT customer_id                                              AS id,
       (array_agg(customer_name ORDER BY id DESC))[1]           AS name,
       (array_agg(customer_firstname ORDER BY id DESC))[1]      AS firstname,
       count(*) FILTER (WHERE status = 'credited')              AS orders,
       sum(bonus)                                               AS bonus,
       max(id)                                                  AS latest
FROM credit
GROUP BY customer_id;

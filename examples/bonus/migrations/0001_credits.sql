-- +goose Up

-- One credit for an order: its key is the order's. It remembers which event it is from, so that an older one never
-- overwrites a newer one.
CREATE TABLE credit (
    id                 bigint PRIMARY KEY,
    updated            timestamptz NOT NULL,
    status             text   NOT NULL CHECK (status IN ('credited', 'withdrawn')),
    instance           text   NOT NULL,   -- wrote it
    log                text   NOT NULL,   -- the event is from this log,
    position           bigint NOT NULL,   -- at this position
    customer_id        bigint NOT NULL,
    customer_name      text   NOT NULL,
    customer_firstname text   NOT NULL,
    value              numeric(16, 2) NOT NULL,
    bonus              numeric(16, 2) NOT NULL CHECK (bonus >= 0)
);

CREATE INDEX ON credit (customer_id, id DESC);

-- What a customer has in all, under the name of the latest order.
CREATE VIEW account AS
SELECT customer_id                                              AS id,
       (array_agg(customer_name ORDER BY id DESC))[1]           AS name,
       (array_agg(customer_firstname ORDER BY id DESC))[1]      AS firstname,
       count(*) FILTER (WHERE status = 'credited')              AS orders,
       sum(bonus)                                               AS bonus,
       max(id)                                                  AS latest
FROM credit
GROUP BY customer_id;

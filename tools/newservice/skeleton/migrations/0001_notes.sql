-- +goose Up

-- One note per order, with the order's id as its key. The first six columns are those of consumer.Record.
CREATE TABLE note (
    id       bigint PRIMARY KEY,
    updated  timestamptz NOT NULL,
    status   text   NOT NULL,
    instance text   NOT NULL,
    log      text   NOT NULL,
    position bigint NOT NULL,
    customer text   NOT NULL,
    pieces   int    NOT NULL
);

-- +goose Up

-- The latest comparison of a feed's records with its log. While it runs, its instance renews "seen".
CREATE TABLE reconciliation (
    feed      text PRIMARY KEY,
    instance  text NOT NULL,
    started   timestamptz NOT NULL,
    seen      timestamptz NOT NULL,
    finished  timestamptz,
    head      bigint NOT NULL DEFAULT 0,  -- compared from this position
    position  bigint NOT NULL DEFAULT 0,  -- down to this one
    documents int    NOT NULL DEFAULT 0,
    compared  bigint NOT NULL DEFAULT 0,
    repaired  bigint NOT NULL DEFAULT 0,
    refused   bigint NOT NULL DEFAULT 0,
    extra     bigint NOT NULL DEFAULT 0,
    findings  json   NOT NULL DEFAULT '[]',
    error     text   NOT NULL DEFAULT ''
);

-- The subjects that a running comparison has met. Unlogged, because the next comparison starts over.
CREATE UNLOGGED TABLE reconciliation_met (
    feed    text   NOT NULL,
    subject bigint NOT NULL,
    PRIMARY KEY (feed, subject)
);

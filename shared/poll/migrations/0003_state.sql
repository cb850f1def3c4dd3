-- +goose Up

-- When and why the log was begun again; nothing for a log that was not.
ALTER TABLE poll_cursor ADD COLUMN restarted_at timestamptz, ADD COLUMN restarted_because text NOT NULL DEFAULT '';

-- Which parked entry is due first is asked by every poll.
CREATE INDEX poll_parked_next_try ON poll_parked (feed, next_try);

-- The instances that follow a feed, each with how its polls go. A row that is not renewed belongs to one that has gone.
CREATE TABLE poll_instance (
    feed      text NOT NULL,
    instance  text NOT NULL,
    seen      timestamptz NOT NULL,
    last_poll timestamptz,
    outcome   text    NOT NULL,
    failing   boolean NOT NULL,
    PRIMARY KEY (feed, instance)
);

-- The latest comparison of the records with the log, one at a time for a feed; its instance renews "seen" while it goes on.
CREATE TABLE poll_reconciliation (
    feed      text PRIMARY KEY,
    instance  text NOT NULL,
    started   timestamptz NOT NULL,
    seen      timestamptz NOT NULL,
    finished  timestamptz,
    head      bigint NOT NULL DEFAULT 0,  -- compared from here
    position  bigint NOT NULL DEFAULT 0,  -- down to here
    documents int    NOT NULL DEFAULT 0,
    compared  bigint NOT NULL DEFAULT 0,
    repaired  bigint NOT NULL DEFAULT 0,
    refused   bigint NOT NULL DEFAULT 0,
    extra     bigint NOT NULL DEFAULT 0,
    findings  json   NOT NULL DEFAULT '[]',
    error     text   NOT NULL DEFAULT ''
);

-- The subjects that it has met. Not worth a line in the write-ahead log: the next comparison begins it anew.
CREATE UNLOGGED TABLE poll_met (
    feed    text   NOT NULL,
    subject bigint NOT NULL,
    PRIMARY KEY (feed, subject)
);

-- +goose Up

-- How far a feed was taken in. The row is locked while a document is, so that one instance at a time takes one.
CREATE TABLE poll_cursor (
    feed     text PRIMARY KEY,
    epoch    text   NOT NULL DEFAULT '',  -- the feed's id; another one is another log
    rewinds  int    NOT NULL DEFAULT 0,   -- how often the same log was found shorter than before
    position bigint NOT NULL DEFAULT 0,
    moved_by text   NOT NULL DEFAULT '',
    moved_at timestamptz
);

-- Entries taken from a feed that has no positions.
CREATE TABLE poll_seen (
    feed     text NOT NULL,
    entry_id text NOT NULL,
    updated  text NOT NULL,
    PRIMARY KEY (feed, entry_id, updated)
);

-- Entries that could not be processed. They are tried again until they can be, or a person skips them.
CREATE TABLE poll_parked (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed      text   NOT NULL,
    entry_id  text   NOT NULL,
    updated   timestamptz NOT NULL,
    epoch     text   NOT NULL,
    position  bigint NOT NULL,
    subject   bigint NOT NULL,
    kind      text   NOT NULL,
    src       text   NOT NULL,
    content   text   NOT NULL,
    error     text   NOT NULL,
    attempts  int    NOT NULL DEFAULT 1,
    parked_at timestamptz NOT NULL DEFAULT now(),
    next_try  timestamptz NOT NULL,
    UNIQUE (feed, epoch, position, entry_id)
);

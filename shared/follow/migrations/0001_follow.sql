-- +goose Up

-- How far each feed has been processed. A follower locks the row while it processes a document, so one instance works at a time.
CREATE TABLE follow_cursor (
    feed              text PRIMARY KEY,
    epoch             text   NOT NULL DEFAULT '',  -- the feed's id: another id is another log
    rewinds           int    NOT NULL DEFAULT 0,   -- how often this log was found to be shorter than before
    position          bigint NOT NULL DEFAULT 0,   -- of the last entry processed
    document          text   NOT NULL DEFAULT '',  -- address of the document that holds it
    moved_by          text   NOT NULL DEFAULT '',  -- instance that processed it
    moved_at          timestamptz,
    restarted_at      timestamptz,                 -- when the log was last read again from its start
    restarted_because text   NOT NULL DEFAULT ''
);

-- Entries processed of a feed whose entries have no positions.
CREATE TABLE follow_seen (
    feed     text NOT NULL,
    entry_id text NOT NULL,
    updated  text NOT NULL,
    PRIMARY KEY (feed, entry_id, updated)
);

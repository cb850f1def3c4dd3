-- +goose Up

-- Entries that could not be processed. They are retried until they succeed or a person skips them.
CREATE TABLE dead_letter (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed         text   NOT NULL,
    entry_id     text   NOT NULL,
    updated      timestamptz NOT NULL,
    log          text   NOT NULL,
    position     bigint NOT NULL,
    subject      bigint NOT NULL,
    kind         text   NOT NULL,
    src          text   NOT NULL,
    reply_to     text   NOT NULL,
    content      text   NOT NULL,
    error        text   NOT NULL,
    attempts     int    NOT NULL,
    first_failed timestamptz NOT NULL,
    next_try     timestamptz NOT NULL,
    UNIQUE (feed, log, position, entry_id)
);

-- Every poll asks which dead letters are due.
CREATE INDEX dead_letter_next_try ON dead_letter (feed, next_try);

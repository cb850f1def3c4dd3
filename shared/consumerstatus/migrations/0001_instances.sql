-- +goose Up

-- The instances that follow a feed. Each renews its row; a row that is not renewed belongs to an instance that has gone.
CREATE TABLE follow_instance (
    feed      text NOT NULL,
    instance  text NOT NULL,
    seen      timestamptz NOT NULL,
    last_poll timestamptz,
    outcome   text    NOT NULL,
    failing   boolean NOT NULL,
    PRIMARY KEY (feed, instance)
);

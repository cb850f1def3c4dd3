-- +goose Up

-- The identity of this log: another database, another epoch.
CREATE TABLE feed_log (
    single  boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch   uuid NOT NULL DEFAULT gen_random_uuid(),
    created timestamptz NOT NULL DEFAULT now()
);
INSERT INTO feed_log DEFAULT VALUES;

-- What happened. A row is written in the transaction that made it happen, and never changed or deleted.
CREATE TABLE feed_event (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject   bigint  NOT NULL,
    kind      text    NOT NULL,
    withdraws boolean NOT NULL,
    reply_to  text    NOT NULL DEFAULT '',  -- the entry of another log that it answers
    snapshot  json    NOT NULL
);
CREATE INDEX feed_event_subject ON feed_event (subject, id);

-- The outbox: events without a position yet. Written with the event, emptied by feed_sequence, so it stays small.
CREATE TABLE feed_pending (
    event_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- The log that readers see: 1, 2, 3, ... without gaps.
CREATE TABLE feed_position (
    position bigint PRIMARY KEY,
    event_id bigint NOT NULL UNIQUE,
    updated  timestamptz NOT NULL
);

-- Gives committed events their positions and says where the log ends. All is one statement for its caller, so an
-- instance that is killed or frozen in the middle of it holds nobody up. The lock lets one caller in at a time. In READ
-- COMMITTED each statement after the lock takes a new snapshot and sees all that the previous caller did: a position is
-- never given twice, nor left out.
-- +goose StatementBegin
CREATE FUNCTION feed_sequence(OUT head bigint, OUT updated timestamptz, OUT clock timestamptz, OUT more boolean)
LANGUAGE plpgsql AS $$
DECLARE
    batch CONSTANT int := 5000;
    given int := 0;
BEGIN
    clock := clock_timestamp(); -- first: whatever this call does not see will get a later time
    IF EXISTS (SELECT FROM feed_pending) THEN
        PERFORM pg_advisory_xact_lock('feed_position'::regclass::oid::bigint);
        SELECT p.position, p.updated INTO head, updated FROM feed_position p ORDER BY p.position DESC LIMIT 1;
        WITH taken AS (
            DELETE FROM feed_pending WHERE event_id IN (SELECT event_id FROM feed_pending ORDER BY event_id LIMIT batch)
            RETURNING event_id
        )
        INSERT INTO feed_position
        SELECT coalesce(head, 0) + row_number() OVER (ORDER BY event_id), event_id,
               greatest(date_trunc('second', clock_timestamp()), updated)
        FROM taken;
        GET DIAGNOSTICS given = ROW_COUNT;
        IF given > 0 THEN
            PERFORM pg_notify('feed_' || current_schema(), ''); -- to the other instances, once for the whole batch
        END IF;
    END IF;
    SELECT p.position, p.updated INTO head, updated FROM feed_position p ORDER BY p.position DESC LIMIT 1;
    head := coalesce(head, 0);
    more := given = batch;
END $$;
-- +goose StatementEnd

-- When the latest published event of a subject got its position.
CREATE FUNCTION feed_updated(bigint) RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT p.updated FROM feed_event e JOIN feed_position p ON p.event_id = e.id
    WHERE e.subject = $1 ORDER BY e.id DESC LIMIT 1
$$;

-- +goose Up

-- The identity of this log. Another database gets another epoch.
CREATE TABLE outbox_log (
    single  boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch   uuid NOT NULL DEFAULT gen_random_uuid(),
    created timestamptz NOT NULL DEFAULT now()
);
INSERT INTO outbox_log DEFAULT VALUES;

-- The events. A row is inserted in the transaction of the change that it describes, and is never updated or deleted.
CREATE TABLE outbox_event (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject   bigint  NOT NULL,
    kind      text    NOT NULL,
    withdraws boolean NOT NULL,
    reply_to  text    NOT NULL DEFAULT '',  -- id of the entry in another feed that this event answers
    snapshot  json    NOT NULL
);
CREATE INDEX outbox_event_subject ON outbox_event (subject, id);

-- Events without a position. Append inserts a row with each event and outbox_sequence deletes it, so the table stays small.
CREATE TABLE outbox_pending (
    event_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- The log that readers see: positions 1, 2, 3, ... without gaps.
CREATE TABLE outbox_position (
    position  bigint PRIMARY KEY,
    event_id  bigint NOT NULL UNIQUE,
    updated   timestamptz NOT NULL,                            -- whole seconds, for readers; never decreases
    published timestamptz NOT NULL DEFAULT clock_timestamp()   -- microseconds, to measure how long delivery takes
);

-- Holds no rows. outbox_sequence locks it; advisory locks are open to every role of the database.
CREATE TABLE outbox_turn ();

-- Assigns positions to committed events and returns the head of the log. It is a single statement for its caller, so an
-- instance that is killed or frozen halfway through blocks nobody. The lock admits one caller at a time. In READ COMMITTED,
-- every statement after the lock takes a new snapshot and sees everything the previous caller did, so no position is
-- assigned twice or skipped. The notification carries the last position: an instance that already has it does nothing.
-- +goose StatementBegin
CREATE FUNCTION outbox_sequence(OUT head bigint, OUT updated timestamptz, OUT clock timestamptz, OUT more boolean)
LANGUAGE plpgsql AS $$
DECLARE
    batch CONSTANT int := 5000;
    assigned int := 0;
BEGIN
    clock := clock_timestamp(); -- first: any event that this call does not see will get a later time
    IF EXISTS (SELECT FROM outbox_pending) THEN
        LOCK TABLE outbox_turn IN EXCLUSIVE MODE;
        SELECT p.position, p.updated INTO head, updated FROM outbox_position p ORDER BY p.position DESC LIMIT 1;
        WITH taken AS (
            DELETE FROM outbox_pending WHERE event_id IN (SELECT event_id FROM outbox_pending ORDER BY event_id LIMIT batch)
            RETURNING event_id
        )
        INSERT INTO outbox_position
        SELECT coalesce(head, 0) + row_number() OVER (ORDER BY event_id), event_id,
               greatest(date_trunc('second', clock_timestamp()), updated)
        FROM taken;
        GET DIAGNOSTICS assigned = ROW_COUNT;
        IF assigned > 0 THEN
            PERFORM pg_notify('outbox_' || current_schema(), (coalesce(head, 0) + assigned)::text); -- once per batch
        END IF;
    END IF;
    SELECT p.position, p.updated INTO head, updated FROM outbox_position p ORDER BY p.position DESC LIMIT 1;
    head := coalesce(head, 0);
    more := assigned = batch;
END $$;
-- +goose StatementEnd

-- Returns when the latest event of a subject with a position got it.
CREATE FUNCTION outbox_updated(bigint) RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT p.updated FROM outbox_event e JOIN outbox_position p ON p.event_id = e.id
    WHERE e.subject = $1 ORDER BY e.id DESC LIMIT 1
$$;

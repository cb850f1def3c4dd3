-- +goose Up

-- Gives committed events their positions and says where the log ends. All is one statement for its caller, so an
-- instance that is killed or frozen in the middle of it holds nobody up. The lock lets one caller in at a time. In READ
-- COMMITTED each statement after the lock takes a new snapshot and sees all that the previous caller did: a position is
-- never given twice, nor left out. The other instances are told the last position by a notification, which comes back to this one too: it
-- then knows that position already.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION feed_sequence(OUT head bigint, OUT updated timestamptz, OUT clock timestamptz, OUT more boolean)
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
            PERFORM pg_notify('feed_' || current_schema(), (coalesce(head, 0) + given)::text); -- once for the whole batch
        END IF;
    END IF;
    SELECT p.position, p.updated INTO head, updated FROM feed_position p ORDER BY p.position DESC LIMIT 1;
    head := coalesce(head, 0);
    more := given = batch;
END $$;
-- +goose StatementEnd

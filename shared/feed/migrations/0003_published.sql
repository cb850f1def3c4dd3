-- +goose Up

-- When an entry got its position, to the microsecond. What readers see is "updated", in whole seconds; this is for measuring how
-- long an entry is on its way. Entries from before this column have none.
ALTER TABLE feed_position ADD COLUMN published timestamptz;
ALTER TABLE feed_position ALTER COLUMN published SET DEFAULT clock_timestamp();

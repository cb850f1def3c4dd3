-- +goose Up

-- The address of the document in which the cursor stands: who is far behind goes on there, and need not come there from the
-- recent one each time.
ALTER TABLE poll_cursor ADD COLUMN document text NOT NULL DEFAULT '';

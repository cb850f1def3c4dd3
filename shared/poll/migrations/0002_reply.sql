-- +goose Up

-- The entry of another feed that a parked entry answers.
ALTER TABLE poll_parked ADD COLUMN reply_to text NOT NULL DEFAULT '';

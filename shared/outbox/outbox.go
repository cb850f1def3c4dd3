// Package outbox is the event log of a service: a transactional outbox, a sequencer that assigns positions, and the head
// of the log, kept in memory. It knows Postgres, but no HTTP and no document format; those are in package feed.
//
// A writer calls Append in the transaction of its change. After the commit, the sequencer (Publish and Run) assigns the event the next
// position. Readers see only events with a position.
//
// The package guarantees: An event is in the log if and only if its transaction was committed. Positions are 1, 2, 3, ...
// without gaps, and none appears before a smaller one, so a transaction that commits late cannot slip in behind a reader.
// An entry never changes. Entry times are whole seconds in UTC and never decrease.
package outbox

import (
	"embed"
	"encoding/json"
	"sync"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
)

//go:embed migrations/*.sql
var schema embed.FS

// Migration creates the tables of a log in the schema of the service that publishes it.
func Migration() postgres.Migration {
	return postgres.Files("outbox", schema)
}

// Event is a change of one record.
type Event struct {
	Subject   int64           // id of the record
	Kind      string          // what happened, in one word
	Withdraws bool            // whether it withdraws the earlier entries of its subject (RFC 6721)
	ReplyTo   string          // id of the entry in another feed that it answers (RFC 4685), or ""
	Snapshot  json.RawMessage // the record after the change, as JSON; readers get these bytes
}

// Log is the event log of a service.
type Log struct {
	db       *postgres.DB
	notified chan struct{} // makes Run assign positions
	ended    chan struct{} // closed when Run has ended

	turn   chan struct{} // full while a pass of the sequencer runs; guards passed
	passed time.Time     // when the last complete pass began

	mu      sync.Mutex
	head    Head
	doubted time.Time     // when an event was last reported that head may lack
	changed chan struct{} // closed and replaced when the head moves
}

// New returns the log in the schema that db is connected to.
func New(db *postgres.DB) *Log {
	return &Log{db: db, notified: make(chan struct{}, 1), ended: make(chan struct{}), turn: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Append inserts events into the outbox, in the transaction of the caller.
func (l *Log) Append(tx *gorm.DB, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	var rows postgres.Rows
	for _, e := range events {
		rows.Add(e.Subject, e.Kind, e.Withdraws, e.ReplyTo, string(e.Snapshot))
	}
	return tx.Exec(`WITH event AS (
			INSERT INTO outbox_event (subject, kind, withdraws, reply_to, snapshot)
			SELECT subject, kind, withdraws, reply_to, snapshot::json
			FROM unnest(?::bigint[], ?::text[], ?::boolean[], ?::text[], ?::text[]) AS e(subject, kind, withdraws, reply_to, snapshot)
			RETURNING id)
		INSERT INTO outbox_pending SELECT id FROM event`, rows.Columns()...).Error
}

// Repeat appends a copy of the latest event of a subject, which withdraws nothing. The transaction of the caller must prevent others from appending
// for this subject. Repeat reports false if the subject has no event, or if its latest event has no position yet.
func (l *Log) Repeat(tx *gorm.DB, subject int64) (bool, error) {
	result := tx.Exec(`WITH latest AS (
			SELECT id, kind, reply_to, snapshot FROM outbox_event WHERE subject = ? ORDER BY id DESC LIMIT 1
		), event AS (
			INSERT INTO outbox_event (subject, kind, withdraws, reply_to, snapshot)
			SELECT ?, kind, false, reply_to, snapshot FROM latest JOIN outbox_position ON event_id = id
			RETURNING id)
		INSERT INTO outbox_pending SELECT id FROM event`, subject, subject)
	return result.RowsAffected > 0, result.Error
}

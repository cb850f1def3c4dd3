package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Entry is an event with its position in the log.
type Entry struct {
	Event
	Position  int64
	Updated   time.Time // when the position was assigned: whole seconds in UTC
	Withdrawn []int64   // positions of the entries that this one withdraws, the 100 latest, newest first
}

// maxWithdrawn bounds what a withdrawal adds to its document.
const maxWithdrawn = 100

// Read returns the entries at positions first to last, newest first.
func (l *Log) Read(ctx context.Context, first, last int64) (entries []Entry, err error) {
	rows, err := l.db.WithContext(ctx).Raw(`SELECT p.position, p.updated, e.subject, e.kind, e.reply_to, e.withdraws, e.snapshot,
			CASE WHEN e.withdraws THEN ARRAY(
				SELECT earlier.position FROM outbox_event JOIN outbox_position earlier ON event_id = id
				WHERE subject = e.subject AND earlier.position < p.position ORDER BY id DESC LIMIT ?) END
		FROM outbox_position p JOIN outbox_event e ON e.id = p.event_id
		WHERE p.position BETWEEN ? AND ? ORDER BY p.position DESC`, maxWithdrawn, first, last).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types := pgtype.NewMap()
	for rows.Next() {
		var e Entry
		err := rows.Scan(&e.Position, &e.Updated, &e.Subject, &e.Kind, &e.ReplyTo, &e.Withdraws, &e.Snapshot, types.SQLScanner(&e.Withdrawn))
		if err != nil {
			return nil, err
		}
		e.Updated = e.Updated.UTC()
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// Time returns when a position was assigned, in whole seconds.
func (l *Log) Time(ctx context.Context, position int64) (t time.Time, err error) {
	err = l.db.WithContext(ctx).Raw("SELECT updated FROM outbox_position WHERE position = ?", position).Scan(&t).Error
	return t.UTC(), err
}

// Where the log ends, kept in the process: most requests are answered from it without asking the database.
//
// It is trusted until a notification says that somebody has published something, at most for a second. The sequencer asks
// again on every notification and every tick, so a reader seldom has to. What was published by this instance is in it before
// the publisher is told. What was published by another one is in it as soon as its notification has come; a reader who cannot wait for
// that sends "Cache-Control: no-cache".

package feed

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"msatom/shared/problem"
)

// Head is where the log ends.
type Head struct {
	Epoch    string    // the log's identity, a UUID
	Position int64     // the last position given, 0 in an empty log
	Updated  time.Time // when it was given, in whole seconds; the zero time in an empty log

	clock time.Time // the database's clock just before this was read
	asked time.Time // this process' clock before that
}

// trust is how long a head is believed without asking.
const trust = time.Second

// Head is where the log ended when this instance last looked: at the latest Publish through this instance, or a tick ago.
// It reports false until the database was reached for the first time.
func (l *Log) Head() (Head, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == nil {
		return Head{}, false
	}
	return *l.head, true
}

// heard says whether a notification tells of a position that the head does not have; anything may be there if it names none.
func (l *Log) heard(position string) bool {
	n, err := strconv.ParseInt(position, 10, 64)
	if head, ok := l.Head(); ok && err == nil && n <= head.Position {
		return false
	}
	l.doubt()
	return true
}

// doubt says that there may be more in the log than was asked for until now.
func (l *Log) doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubted = time.Now()
}

// trusted is the head, and whether nothing has happened since it was read, as far as can be known.
func (l *Log) trusted() (h Head, trusted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == nil {
		return h, false
	}
	return *l.head, l.head.asked.After(l.doubted) && time.Since(l.head.asked) < trust
}

// move sets the head, and wakes those who wait for it to change.
func (l *Log) move(h *Head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == nil || !l.head.is(*h) {
		l.wake()
	}
	l.head = h
}

// is says whether two heads are at one place.
func (h *Head) is(other Head) bool { return h.Position == other.Position && h.Epoch == other.Epoch }

// latest is the head for a reader of the positions from first to last; there is more than that in the log if they do not change
// any more. The database is asked unless the head is trusted and has the first of them: that there is no such position is only said when
// it is certain, since another instance may have told of it. All who ask at the same moment ask at once.
func (l *Log) latest(r *http.Request, first, last int64) (Head, error) {
	head, trusted := l.trusted()
	if head.Position > last || trusted && head.Position >= first && !asksAnew(r) {
		return head, nil
	}
	if err := l.look(r.Context()); err != nil {
		return Head{}, problem.Unavailable("The event log cannot be read: its database is waited for.")
	}
	head, _ = l.Head()
	return head, nil
}

// asksAnew says whether a reader wants no answer from memory: RFC 9111 section 5.2.1.4.
func asksAnew(r *http.Request) bool {
	for _, header := range r.Header["Cache-Control"] {
		for directive := range strings.SplitSeq(header, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-cache") {
				return true
			}
		}
	}
	return false
}

// Last is the number of the document that new entries go into.
func (h Head) Last() int64 { return max(1, (h.Position+DocumentSize-1)/DocumentSize) }

// tag is the RFC 4151 URI of the log, or of something in it.
func (h Head) tag(name, specific string) string {
	return fmt.Sprintf("tag:%s:%s/%s%s", authority, name, h.Epoch, specific)
}

// authority is a domain that nobody can own and a year in which nobody did: RFC 4151 wants both in a tag.
const authority = "msatom.example,2026"

package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"msatom/shared/page"
	"msatom/shared/problem"
)

// DocumentSize is how many positions a document holds: document n holds (n-1)*DocumentSize+1 to n*DocumentSize.
const DocumentSize = 100

// language of titles and summaries (RFC 5646): that of the pages.
const language = "en"

// About says what a feed is about and how its entries read.
type About struct {
	Name     string // of the service, in tags: "order"
	Path     string // address of the recent document; document n is at Path/n
	Home     string // address of the page with the same records
	Title    string
	Subtitle string
	Author   string
	Pages    *page.Set // of the service: the HTML dialect is written with it
	MaxAge   uint      // how many seconds caches may keep the recent document without asking
	// Describe gives an entry its title, its summary, and the path of its record's page, which serves JSON as well.
	Describe func(Entry) (title, summary, path string)
}

// Entry is an event with its place in the log.
type Entry struct {
	Position  int64
	Updated   time.Time // when it got the position: whole seconds, never before its predecessor's
	Subject   int64
	Kind      string
	ReplyTo   string // id of the entry in another feed that it answers, or ""
	Withdraws bool
	Withdrawn []int64         `gorm:"-"` // positions of the entries that this one withdraws
	Snapshot  json.RawMessage // the record, with "updated" as its first member
}

// Document is a part of the log, as it is at one head. Its entries are listed newest first.
type Document struct {
	Head    Head
	About   *About
	Base    string // scheme and host that its links lead to
	Number  int64  // n; of the last document where it is recent
	Recent  bool   // asked for at Path
	Batch   bool   // has no number: it is the first events after a position (see httpfeeds.go)
	After   int64  // that position; or that up to which its reader has the entries of the recent document (see delta.go)
	Entries []Entry
}

// Archived says whether the document is full, has a successor, and so will never change. A batch never does once it is full.
func (d *Document) Archived() bool {
	if d.Batch {
		return d.Head.Position-d.After >= DocumentSize
	}
	return !d.Recent && d.Number < d.Head.Last()
}

// first and last position of the document. The recent one is joined by the one before it while it is short.
func (d *Document) span() (first, last int64) {
	if d.Batch {
		return d.After + 1, min(d.After+DocumentSize, d.Head.Position)
	}
	last = min(d.Number*DocumentSize, d.Head.Position)
	first = (d.Number-1)*DocumentSize + 1
	if d.joined() {
		first -= DocumentSize
	}
	return first, last
}

func (d *Document) joined() bool {
	return d.Recent && d.Number > 1 && d.Head.Position < d.Number*DocumentSize
}

// Link is a link of a document.
type Link struct {
	Rel, Type, Href string
}

// Links are the links of a document, absolute (RFC 5005 section 4, and "via" and the walk from seed simplefeed).
func (d *Document) Links() []Link {
	if d.Batch {
		return d.batchLinks()
	}
	at := d.address
	self, current := at(d.Number), d.Base+d.About.Path
	if d.Recent {
		self = current
	}
	links := []Link{
		{"self", "", self},
		{"current", "", current},
		{"alternate", "text/html", d.Base + d.About.Home}, // first: many readers take the first as the site
		{"alternate", "application/json", self},
	}
	if d.Recent {
		links = append(links, Link{"via", "", at(d.Number)})
	}
	first, _ := d.span()
	if before := (first - 1) / DocumentSize; before > 0 {
		links = append(links, Link{"prev-archive", "", at(before)}, Link{"first", "", at(1)})
	}
	if d.Archived() {
		links = append(links, Link{"next-archive", "", at(d.Number + 1)})
	}
	return links
}

// address of document n.
func (d *Document) address(n int64) string { return fmt.Sprintf("%s%s/%d", d.Base, d.About.Path, n) }

// ID is the feed's tag: URI. It carries the epoch, so a reader of any dialect notices another log.
func (d *Document) ID() string { return d.Head.tag(d.About.Name, "") }

// EntryID is the tag: URI of the entry at a position.
func (d *Document) EntryID(position int64) string {
	return d.Head.tag(d.About.Name, fmt.Sprintf("/%d", position))
}

// Updated is when the document's newest entry got its position; in an empty log, the start of its tag's year.
func (d *Document) Updated() time.Time {
	if len(d.Entries) == 0 {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return d.Entries[0].Updated
}

func (d *Document) batchLinks() []Link {
	after := func(position int64) string {
		if position == 0 {
			return d.Base + d.About.Path
		}
		return d.Base + d.About.Path + "?lastEventId=" + url.QueryEscape(d.EntryID(position))
	}
	links := []Link{{"self", "", after(d.After)}}
	if first, last := d.span(); first <= last {
		links = append(links, Link{"next", "", after(last)})
	}
	return links
}

// at is document n without its entries, or the recent one for n = 0. A document that does not exist is 404.
func (l *Log) at(r *http.Request, n int64) (*Document, error) {
	first, last := int64(0), int64(math.MaxInt64)
	if n > 0 && n < math.MaxInt64/DocumentSize {
		first, last = (n-1)*DocumentSize+1, n*DocumentSize
	}
	head, err := l.latest(r, first, last)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > head.Last() {
		return nil, problem.NotFound("The feed has documents 1 to %d.", head.Last())
	}
	d := &Document{Head: head, About: &l.About, Number: n, Recent: n == 0}
	if d.Recent {
		d.Number = head.Last()
	}
	return d, nil
}

// read fills in the entries: one range of the log, whatever its length.
func (l *Log) read(ctx context.Context, d *Document) error {
	first, last := d.span()
	first = max(first, d.After+1)
	db := l.db.WithContext(ctx)
	rows, err := db.Raw(`SELECT p.position, p.updated, e.subject, e.kind, e.reply_to, e.withdraws, e.snapshot
		FROM feed_position p JOIN feed_event e ON e.id = p.event_id
		WHERE p.position BETWEEN ? AND ? ORDER BY p.position DESC`, first, last).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Position, &e.Updated, &e.Subject, &e.Kind, &e.ReplyTo, &e.Withdraws, &e.Snapshot); err != nil {
			return err
		}
		d.Entries = append(d.Entries, e)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		e.Updated = e.Updated.UTC()
		e.Snapshot = stamp(e.Snapshot, e.Updated)
		if !e.Withdraws {
			continue
		}
		err := db.Raw(`SELECT p.position FROM feed_event e JOIN feed_position p ON p.event_id = e.id
			WHERE e.subject = ? AND p.position < ? ORDER BY p.position`, e.Subject, e.Position).Scan(&e.Withdrawn).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// stamp makes "updated" the first member of a JSON object.
func stamp(object json.RawMessage, updated time.Time) json.RawMessage {
	rest := bytes.TrimSpace(object)[1:]
	stamped := fmt.Appendf(nil, `{"updated":%q`, updated.Format(time.RFC3339))
	if bytes.TrimSpace(rest)[0] != '}' {
		stamped = append(stamped, ',')
	}
	return append(stamped, rest...)
}

package feed

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"msatom/shared/outbox"
	"msatom/shared/problem"
)

// DocumentSize is the number of positions in a document: document n holds (n-1)*DocumentSize+1 to n*DocumentSize.
const DocumentSize = 100

// language of titles and summaries (RFC 5646).
const language = "en"

// Document is a part of the log at one head. Its entries are listed newest first.
type Document struct {
	Head    outbox.Head
	About   *About
	Base    string // scheme and host of its links
	Number  int64  // n; if Recent, that of the last document
	Recent  bool   // whether it was requested at Path
	Batch   bool   // whether it has no number and holds the first entries after a position (httpfeeds.go)
	After   int64  // if Batch, that position; else the last position to leave out (delta.go)
	Entries []outbox.Entry
}

// lastDocument returns the number of the document that new entries go into.
func lastDocument(h outbox.Head) int64 { return max(1, (h.Position+DocumentSize-1)/DocumentSize) }

// span returns the positions that document n depends on. The recent one, n = 0, and one that cannot exist depend on all.
func span(n int64) (first, last int64) {
	if n > 0 && n < math.MaxInt64/DocumentSize {
		return (n-1)*DocumentSize + 1, n * DocumentSize
	}
	return 0, math.MaxInt64
}

// document returns document n, or the recent one for n = 0, at a head, without its entries. One that does not exist is 404.
func (f *Feed) document(r *http.Request, head outbox.Head, n int64) (*Document, error) {
	if n < 0 || n > lastDocument(head) {
		return nil, problem.NotFound("There is no document %d yet. The last document of the feed is %d.", n, lastDocument(head))
	}
	d := &Document{Head: head, About: &f.About, Base: Base(r), Number: n, Recent: n == 0}
	if d.Recent {
		d.Number = lastDocument(head)
	}
	return d, nil
}

// head returns a head for a reader of positions first to last. It comes from memory if it is beyond last, since entries
// never change, or if it is fresh and not before first: that an entry does not exist must be certain, because another
// instance may have published it. Otherwise, and with "Cache-Control: no-cache", the database is asked.
func (f *Feed) head(r *http.Request, first, last int64) (outbox.Head, error) {
	head, fresh := f.log.Head()
	if head.Position > last || fresh && head.Position >= first && !isNoCache(r) {
		return head, nil
	}
	head, err := f.log.Refresh(r.Context())
	if err != nil {
		return head, problem.Unavailable("The event log cannot be read: the database is unavailable.")
	}
	return head, nil
}

// isNoCache reports whether r rejects an answer from memory: RFC 9111 section 5.2.1.4.
func isNoCache(r *http.Request) bool {
	return slices.ContainsFunc(elements(r, "Cache-Control"), func(directive string) bool { return strings.EqualFold(directive, "no-cache") })
}

// elements returns the elements of a header whose value is a list (RFC 9110 section 5.6.1).
func elements(r *http.Request, name string) []string {
	list := strings.Split(strings.Join(r.Header.Values(name), ","), ",")
	for i, element := range list {
		list[i] = strings.TrimSpace(element)
	}
	return list
}

// Archived reports whether the document is full and has a successor, so that it will never change. A full batch never does.
func (d *Document) Archived() bool {
	if d.Batch {
		return d.Head.Position-d.After >= DocumentSize
	}
	return !d.Recent && d.Number < lastDocument(d.Head)
}

// span returns the first and the last position of the document. While the recent document is short, its predecessor is
// part of it. The span of an empty document ends before it begins.
func (d *Document) span() (first, last int64) {
	if d.Batch {
		return d.After + 1, min(d.After+DocumentSize, d.Head.Position)
	}
	last = min(d.Number*DocumentSize, d.Head.Position)
	first = (d.Number-1)*DocumentSize + 1
	if d.Recent && d.Number > 1 && d.Head.Position < d.Number*DocumentSize {
		first -= DocumentSize
	}
	return first, last
}

// Updated returns when the newest entry got its position; for an empty document, the start of the year in the ids.
func (d *Document) Updated() time.Time {
	if len(d.Entries) == 0 {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return d.Entries[0].Updated
}

// id returns the id of the entry at a position.
func (d *Document) id(position int64) string { return d.About.EntryID(d.Head.Epoch, position) }

// address returns the address of document n.
func (d *Document) address(n int64) string { return fmt.Sprintf("%s%s/%d", d.Base, d.About.Path, n) }

// link is a link of a document.
type link struct {
	rel, mediaType, href string
}

// links returns the links of the document, absolute: those of RFC 5005 section 4, and via.
func (d *Document) links() []link {
	if d.Batch {
		return d.batchLinks()
	}
	self, current := d.address(d.Number), d.Base+d.About.Path
	if d.Recent {
		self = current
	}
	links := []link{
		{"self", "", self},
		{"current", "", current},
		{"alternate", "text/html", d.Base + d.About.Home}, // before the other alternate: many readers take the first as the site
		{"alternate", "application/json", self},
	}
	if d.Recent {
		links = append(links, link{"via", "", d.address(d.Number)})
	}
	first, _ := d.span()
	if before := (first - 1) / DocumentSize; before > 0 {
		links = append(links, link{"prev-archive", "", d.address(before)}, link{"first", "", d.address(1)})
	}
	if d.Archived() {
		links = append(links, link{"next-archive", "", d.address(d.Number + 1)})
	}
	return links
}

// header returns the link as a header field (RFC 8288), for clients that follow links without reading documents.
func (l link) header() string {
	header := "<" + bracketed.Replace(l.href) + `>; rel="` + l.rel + `"`
	if l.mediaType != "" {
		header += `; type="` + l.mediaType + `"`
	}
	return header
}

// bracketed escapes the characters of a malformed Host that would end the brackets.
var bracketed = strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20")

// PublicURL is the request header in which the reverse proxy sends the public address of the system. The proxy overwrites
// what a client sends there.
const PublicURL = "X-Public-URL"

// Base returns the scheme and host for links in the answer to r: the public address if the request came through the reverse
// proxy, else the host of the request.
func Base(r *http.Request) string {
	if u, err := url.Parse(r.Header.Get(PublicURL)); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return u.Scheme + "://" + u.Host
	}
	if r.Host == "" {
		return "" // HTTP/1.0 need not name a host; the links are then relative
	}
	return "http://" + r.Host
}

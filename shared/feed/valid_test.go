// This file checks what feed validators check in such documents: RFC 4287, RFC 6721, RFC 4151 and RSS 2.0.
package feed

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"msatom/shared/outbox"
	"msatom/shared/postgres/pgtest"
)

// element is an XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Elements []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e element) all(space, name string) (found []element) {
	for _, c := range e.Elements {
		if c.XMLName == (xml.Name{Space: space, Local: name}) {
			found = append(found, c)
		}
	}
	return found
}

// one returns the text of an element that must occur exactly once.
func (e element) one(t *testing.T, space, name string) string {
	t.Helper()
	found := e.all(space, name)
	if len(found) != 1 {
		t.Fatalf("%s has %d elements %s", e.XMLName.Local, len(found), name)
	}
	return found[0].Text
}

const (
	atomSpace      = "http://www.w3.org/2005/Atom"
	tombstoneSpace = "http://purl.org/atompub/tombstones/1.0"
	historySpace   = "http://purl.org/syndication/history/1.0"
	threadSpace    = "http://purl.org/syndication/thread/1.0"
	eventSpace     = "tag:msatom.example,2026:event"
)

// RFC 4151: an authority with a date, then any characters of a URI.
var tagURI = regexp.MustCompile(`^tag:[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[\w.~!$&'()*+,;=:@/-]+$`)

func checkTag(t *testing.T, id string) {
	t.Helper()
	if !tagURI.MatchString(id) {
		t.Errorf("%q is not a tag URI", id)
	}
}

func checkAddress(t *testing.T, href string) {
	t.Helper()
	if u, err := url.Parse(href); err != nil || !u.IsAbs() || u.Host == "" {
		t.Errorf("%q is not an absolute address: %v", href, err)
	}
}

func checkSecond(t *testing.T, s string) {
	t.Helper()
	if _, err := time.Parse("2006-01-02T15:04:05Z", s); err != nil {
		t.Errorf("%v", err)
	}
}

// odd holds awkward texts: markup, control and other characters that XML cannot contain, emoji, a very long text.
var odd = []string{
	"plain", "<b>&amp; ]]> <!-- \"'", "\x00\x01\x08\x0b\x1f\ufffe", "\xff\xfe not UTF-8", "👨‍👩‍👧 🇩🇪 \U0010ffff", "\u202eעברית \u2028", "\t a \r\n b ", strings.Repeat("long & ", 10_000), "", " ",
}

// oddSnapshot is JSON with characters that XML cannot contain or that end a CDATA section.
const oddSnapshot = `{ "text":"\u0001<&]]>` + "\ufffe\uffff" + `" }`

// awkward returns a log with archived documents, replies, withdrawn entries and odd texts.
func awkward(t *testing.T) *instance {
	about := about
	about.Title, about.Subtitle, about.Author = "Things & <more>\x01", "\u202eAll\x00", "Tester & Sons"
	about.Describe = func(e outbox.Entry) (string, string, string) {
		path := fmt.Sprintf("/thing/%d", e.Subject)
		text := odd[e.Position%int64(len(odd))]
		return text, text, path
	}
	l := newInstance(pgtest.Open(t, outbox.Migration()), about)
	start(t, l)
	fill(t, l, 230)
	for i := range int64(30) {
		e := outbox.Event{Subject: i + 1, Kind: "made", ReplyTo: "tag:msatom.example,2026:order/00000000-0000-0000-0000-000000000000/7", Snapshot: []byte(oddSnapshot)}
		if i%3 == 0 {
			e.Kind, e.Withdraws, e.ReplyTo = "cancelled", true, ""
		}
		if err := l.Append(l.db.DB, e); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, l)
	return l
}

// The recent document, archived ones and that of an empty log are valid Atom.
func TestAtomIsValid(t *testing.T) {
	checkAtom(t, open(t), 0, 0)
	l := awkward(t)
	withdrawn := 0
	for n, entries := range []int{160, 100, 100, 60} {
		withdrawn += checkAtom(t, l, int64(n), entries)
	}
	if withdrawn == 0 {
		t.Error("no entry is withdrawn")
	}
}

func checkAtom(t *testing.T, l *instance, n int64, entries int) (withdrawn int) {
	t.Helper()
	body := get(t, l, n, "Accept", Atom.Types[0]).Body.Bytes()
	var feed element
	if err := xml.Unmarshal(body, &feed); err != nil {
		t.Fatal(err)
	}
	if feed.XMLName != (xml.Name{Space: atomSpace, Local: "feed"}) || feed.attr("lang") == "" || !utf8.Valid(body) {
		t.Errorf("%v with the attributes %v", feed.XMLName, feed.Attrs)
	}
	checkTag(t, feed.one(t, atomSpace, "id"))
	checkSecond(t, feed.one(t, atomSpace, "updated"))
	feed.one(t, atomSpace, "title")
	feed.one(t, atomSpace, "subtitle")
	checkLinks(t, feed)
	if strings.TrimSpace(feed.all(atomSpace, "author")[0].one(t, atomSpace, "name")) == "" {
		t.Error("the author has no name")
	}
	found := feed.all(atomSpace, "entry")
	if len(found) != entries {
		t.Errorf("document %d has %d entries, not %d", n, len(found), entries)
	}
	seen, before := map[string]bool{}, "9999"
	for _, e := range found {
		id, updated := e.one(t, atomSpace, "id"), e.one(t, atomSpace, "updated")
		checkTag(t, id)
		checkSecond(t, updated)
		if seen[id] || updated > before {
			t.Errorf("%s at %s: twice, or behind one of %s", id, updated, before)
		}
		seen[id], before = true, updated
		e.one(t, atomSpace, "title")
		e.one(t, atomSpace, "summary") // required, as the content is elsewhere
		content := e.all(atomSpace, "content")[0]
		e.one(t, atomSpace, "content")
		checkAddress(t, content.attr("src"))
		if content.Text != "" || content.attr("type") != "application/json" {
			t.Errorf("%s: content %+v", id, content)
		}
		if e.all(atomSpace, "category")[0].attr("term") == "" {
			t.Errorf("%s: a category without a term", id)
		}
		snapshot := e.one(t, eventSpace, "event")
		event := e.all(eventSpace, "event")[0]
		if !json.Valid([]byte(snapshot)) || !strings.HasSuffix(id, "/"+event.attr("position")) || event.attr("subject") == "" || event.attr("kind") == "" {
			t.Errorf("%s: event %+v", id, event)
		}
		for _, reply := range e.all(threadSpace, "in-reply-to") {
			checkTag(t, reply.attr("ref"))
		}
		checkLinks(t, e)
	}
	for _, deleted := range feed.all(tombstoneSpace, "deleted-entry") {
		checkTag(t, deleted.attr("ref"))
		checkSecond(t, deleted.attr("when"))
		withdrawn++
	}
	for _, e := range append(feed.Elements, found...) {
		if !slices.Contains([]string{atomSpace, tombstoneSpace, historySpace, threadSpace, eventSpace}, e.XMLName.Space) {
			t.Errorf("%v is of no known namespace", e.XMLName)
		}
	}
	return withdrawn
}

// checkLinks checks that no two alternates have the same type, that links are absolute, and that a feed links to itself.
func checkLinks(t *testing.T, e element) {
	t.Helper()
	alternates := map[string]bool{}
	self := e.XMLName.Local == "entry"
	for _, link := range e.all(atomSpace, "link") {
		checkAddress(t, link.attr("href"))
		rel := cmp.Or(link.attr("rel"), "alternate")
		if rel == "alternate" && alternates[link.attr("type")] {
			t.Errorf("two alternates of type %q", link.attr("type"))
		}
		alternates[link.attr("type")] = alternates[link.attr("type")] || rel == "alternate"
		self = self || rel == "self"
	}
	if !self {
		t.Error("the feed has no self link")
	}
}

func TestRSSIsValid(t *testing.T) {
	empty, l := open(t), awkward(t)
	checkRSS(t, empty, 0, 0)
	for n, items := range []int{160, 100, 100, 60} {
		checkRSS(t, l, int64(n), items)
	}
}

func checkRSS(t *testing.T, l *instance, n int64, items int) {
	t.Helper()
	var rss element
	if err := xml.Unmarshal(get(t, l, n, "Accept", rssType).Body.Bytes(), &rss); err != nil {
		t.Fatal(err)
	}
	if rss.XMLName.Local != "rss" || rss.attr("version") != "2.0" || len(rss.all("", "channel")) != 1 {
		t.Fatalf("%v %v", rss.XMLName, rss.Attrs)
	}
	channel := rss.Elements[0]
	channel.one(t, "", "title")
	channel.one(t, "", "description")
	checkAddress(t, channel.one(t, "", "link"))
	checkMailDate(t, channel.one(t, "", "lastBuildDate"))
	if channel.one(t, "", "language") == "" {
		t.Error("no language")
	}
	self := channel.all(atomSpace, "link")[0]
	if self.attr("rel") != "self" || self.attr("type") != rssType {
		t.Errorf("self is %v", self.Attrs)
	}
	found := channel.all("", "item")
	if len(found) != items {
		t.Errorf("document %d has %d items, not %d", n, len(found), items)
	}
	seen := map[string]bool{}
	for _, item := range found {
		guid := item.one(t, "", "guid")
		if seen[guid] || item.all("", "guid")[0].attr("isPermaLink") != "false" {
			t.Errorf("guid %s: twice, or taken for an address", guid)
		}
		seen[guid] = true
		checkTag(t, guid)
		checkAddress(t, item.one(t, "", "link"))
		checkMailDate(t, item.one(t, "", "pubDate"))
		item.one(t, "", "title")
		item.one(t, "", "description")
	}
}

// checkMailDate checks for a date of RFC 822, as RSS requires, with four digits of the year and the right day of the week.
func checkMailDate(t *testing.T, s string) {
	t.Helper()
	if d, err := mail.ParseDate(s); err != nil || d.Format(time.RFC1123Z) != s {
		t.Errorf("%q is %v, %v", s, d, err)
	}
}

// JSON can contain every text in UTF-8, even what XML cannot.
func TestJSONHoldsEveryText(t *testing.T) {
	l := awkward(t)
	for n := range int64(4) {
		var f JSONFeed
		body := get(t, l, n, "Accept", "application/feed+json").Body.Bytes()
		if err := json.Unmarshal(body, &f); err != nil || !utf8.Valid(body) || f.Language == "" {
			t.Fatalf("%v, language %q", err, f.Language)
		}
		for _, item := range f.Items {
			if want := strings.ToValidUTF8(odd[item.Event.Position%int64(len(odd))], "\ufffd"); strings.ReplaceAll(item.Text, "\ufffd\ufffd", "\ufffd") != want || item.Title != item.Text {
				t.Errorf("%d: %q, want %q", item.Event.Position, item.Text, want)
			}
		}
	}
}

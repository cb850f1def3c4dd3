package feed

import (
	"encoding/xml"
	"io"
	"strings"
	"time"

	"github.com/gorilla/feeds"
)

// This file writes Atom (RFC 4287) with the links of archived feeds (RFC 5005), deleted entries (RFC 6721), replies (RFC 4685)
// and, in a namespace of our own, the events. gorilla/feeds encodes it. The types here add what those of gorilla/feeds lack:
// several links on the feed, content by reference, and the extensions.

// Atom is the default dialect. Some readers accept just any XML.
var Atom = Dialect{Name: "atom", Types: []string{"application/atom+xml", "application/xml", "text/xml"}, Delta: true, Write: writeAtom}

// EventNamespace is the XML namespace of the element "event", which carries the event of an entry:
//
//	<ev:event position="12" subject="7" kind="placed">the snapshot, as JSON</ev:event>
const EventNamespace = "tag:" + authority + ":event"

type atomFeed struct {
	feeds.AtomFeed
	XMLName      xml.Name  `xml:"feed"`
	Language     string    `xml:"xml:lang,attr"`
	XmlnsHistory string    `xml:"xmlns:fh,attr"`
	XmlnsEvent   string    `xml:"xmlns:ev,attr"`
	XmlnsDeleted string    `xml:"xmlns:at,attr,omitempty"`  // if an entry withdraws others
	XmlnsThread  string    `xml:"xmlns:thr,attr,omitempty"` // if an entry answers another
	Archive      *struct{} `xml:"fh:archive"`
	Links        []feeds.AtomLink
	Author       *feeds.AtomAuthor
	Deleted      []atomDeleted `xml:"at:deleted-entry"`
	Entries      []atomEntry
}

// atomDeleted is RFC 6721 section 3: Ref is the id of the entry, When the time of its removal.
type atomDeleted struct {
	Ref  string `xml:"ref,attr"`
	When string `xml:"when,attr"`
}

type atomEntry struct {
	feeds.AtomEntry
	XMLName  xml.Name     `xml:"entry"`
	Category atomCategory `xml:"category"`
	Links    []feeds.AtomLink
	Content  atomContent `xml:"content"`
	Summary  string      `xml:"summary"`
	Reply    *atomReply  `xml:"thr:in-reply-to"`
	Event    atomEvent   `xml:"ev:event"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

// atomContent is content by reference, RFC 4287 section 4.1.3.2. It requires a summary, section 4.1.2.
type atomContent struct {
	Type string `xml:"type,attr"`
	Src  string `xml:"src,attr"`
}

// atomReply is RFC 4685 section 3: Ref is the id of the entry that this one answers.
type atomReply struct {
	Ref string `xml:"ref,attr"`
}

type atomEvent struct {
	Position int64  `xml:"position,attr"`
	Subject  int64  `xml:"subject,attr"`
	Kind     string `xml:"kind,attr"`
	Snapshot string `xml:",cdata"`
}

// forXML escapes, as JSON, the two characters that JSON text can contain and XML cannot.
var forXML = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

// FeedXml returns what feeds.WriteXML encodes.
func (f *atomFeed) FeedXml() any { return f }

func writeAtom(w io.Writer, d *Document) error {
	f := &atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns: "http://www.w3.org/2005/Atom", Id: d.About.ID(d.Head.Epoch), Title: d.About.Title,
			Subtitle: d.About.Subtitle, Updated: d.Updated().Format(time.RFC3339),
		},
		Language:     language,
		XmlnsHistory: "http://purl.org/syndication/history/1.0",
		XmlnsEvent:   EventNamespace,
		Author:       &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: d.About.Author}},
	}
	if d.Archived() {
		f.Archive = &struct{}{}
	}
	for _, l := range d.links() {
		f.Links = append(f.Links, feeds.AtomLink{Rel: l.rel, Type: l.mediaType, Href: l.href})
	}
	for _, e := range d.Entries {
		title, summary, path := d.About.Describe(e)
		updated := e.Updated.Format(time.RFC3339)
		f.Entries = append(f.Entries, atomEntry{
			AtomEntry: feeds.AtomEntry{Id: d.id(e.Position), Title: title, Updated: updated},
			Category:  atomCategory{Term: e.Kind},
			Links:     []feeds.AtomLink{{Rel: "alternate", Type: "text/html", Href: d.Base + path}},
			Content:   atomContent{Type: "application/json", Src: d.Base + path},
			Summary:   summary,
			Event:     atomEvent{Position: e.Position, Subject: e.Subject, Kind: e.Kind, Snapshot: forXML.Replace(string(e.Snapshot))},
		})
		if e.ReplyTo != "" {
			f.XmlnsThread = "http://purl.org/syndication/thread/1.0"
			f.Entries[len(f.Entries)-1].Reply = &atomReply{Ref: e.ReplyTo}
		}
		for _, p := range e.Withdrawn {
			f.XmlnsDeleted = "http://purl.org/atompub/tombstones/1.0"
			f.Deleted = append(f.Deleted, atomDeleted{Ref: d.id(p), When: updated})
		}
	}
	return feeds.WriteXML(f, w)
}

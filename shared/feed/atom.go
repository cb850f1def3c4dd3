// Atom (RFC 4287) with the links of archived feeds (RFC 5005) and deleted entries (RFC 6721). gorilla/feeds writes it;
// the types here add what its own lack: several links on the feed, content by reference, and the two extensions.

package feed

import (
	"encoding/xml"
	"io"
	"time"

	"github.com/gorilla/feeds"
)

// Atom is the default dialect. Some readers ask for just any XML.
var Atom = Dialect{Name: "atom", Types: []string{"application/atom+xml", "application/xml", "text/xml"}, Write: writeAtom}

type atomFeed struct {
	feeds.AtomFeed
	XMLName      xml.Name `xml:"feed"`
	Language     string   `xml:"xml:lang,attr"`
	XmlnsHistory string   `xml:"xmlns:fh,attr"`
	XmlnsDeleted string   `xml:"xmlns:at,attr,omitempty"`  // where an entry withdraws others
	XmlnsThread  string   `xml:"xmlns:thr,attr,omitempty"` // where an entry answers another
	Archive      *atomNothing
	Links        []feeds.AtomLink
	Author       *feeds.AtomAuthor
	Deleted      []atomDeleted
	Entries      []atomEntry
}

type atomNothing struct {
	XMLName xml.Name `xml:"fh:archive"`
}

// atomDeleted is RFC 6721 section 3: "ref" is the id of the entry, "when" the moment of its removal.
type atomDeleted struct {
	XMLName xml.Name `xml:"at:deleted-entry"`
	Ref     string   `xml:"ref,attr"`
	When    string   `xml:"when,attr"`
}

type atomEntry struct {
	feeds.AtomEntry
	XMLName  xml.Name `xml:"entry"`
	Category atomCategory
	Links    []feeds.AtomLink
	Content  atomContent
	Summary  atomSummary
	Reply    *atomReply
}

type atomCategory struct {
	XMLName xml.Name `xml:"category"`
	Term    string   `xml:"term,attr"`
}

// atomContent is content by reference, RFC 4287 section 4.1.3.2; a summary must then be there, section 4.1.2.
type atomContent struct {
	XMLName xml.Name `xml:"content"`
	Type    string   `xml:"type,attr"`
	Src     string   `xml:"src,attr"`
}

type atomSummary struct {
	XMLName xml.Name `xml:"summary"`
	Text    string   `xml:",chardata"`
}

// atomReply is RFC 4685 section 3: "ref" is the id of the entry that this one answers.
type atomReply struct {
	XMLName xml.Name `xml:"thr:in-reply-to"`
	Ref     string   `xml:"ref,attr"`
}

// FeedXml is what feeds.WriteXML encodes.
func (f *atomFeed) FeedXml() any { return f }

func writeAtom(w io.Writer, d *Document) error {
	f := &atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns: "http://www.w3.org/2005/Atom", Id: d.ID(), Title: d.About.Title,
			Subtitle: d.About.Subtitle, Updated: d.Updated().Format(time.RFC3339),
		},
		Language:     language,
		XmlnsHistory: "http://purl.org/syndication/history/1.0",
		Author:       &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: d.About.Author}},
	}
	if d.Archived() {
		f.Archive = &atomNothing{}
	}
	for _, l := range d.Links() {
		f.Links = append(f.Links, feeds.AtomLink{Rel: l.Rel, Type: l.Type, Href: l.Href})
	}
	for _, e := range d.Entries {
		title, summary, path := d.About.Describe(e)
		updated := e.Updated.Format(time.RFC3339)
		f.Entries = append(f.Entries, atomEntry{
			AtomEntry: feeds.AtomEntry{Id: d.EntryID(e.Position), Title: title, Updated: updated},
			Category:  atomCategory{Term: e.Kind},
			Links:     []feeds.AtomLink{{Rel: "alternate", Type: "text/html", Href: d.Base + path}},
			Content:   atomContent{Type: "application/json", Src: d.Base + path},
			Summary:   atomSummary{Text: summary},
		})
		if e.ReplyTo != "" {
			f.XmlnsThread = "http://purl.org/syndication/thread/1.0"
			f.Entries[len(f.Entries)-1].Reply = &atomReply{Ref: e.ReplyTo}
		}
		for _, p := range e.Withdrawn {
			f.XmlnsDeleted = "http://purl.org/atompub/tombstones/1.0"
			f.Deleted = append(f.Deleted, atomDeleted{Ref: d.EntryID(p), When: updated})
		}
	}
	return feeds.WriteXML(f, w)
}

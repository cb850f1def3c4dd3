package feed

import (
	"encoding/xml"
	"io"
	"time"

	"github.com/gorilla/feeds"
)

// This file writes RSS 2.0, for readers that know nothing else. gorilla/feeds has its types; the links between documents are
// those of Atom (RFC 5005), as elements of other namespaces in the channel.

// RSS is the dialect with titles, summaries and links only.
var RSS = Dialect{Name: "rss", Types: []string{rssType}, Write: writeRSS}

const rssType = "application/rss+xml"

type rssFeed struct {
	XMLName      xml.Name `xml:"rss"`
	Version      string   `xml:"version,attr"`
	XmlnsAtom    string   `xml:"xmlns:atom,attr"`
	XmlnsHistory string   `xml:"xmlns:fh,attr"`
	XmlnsThread  string   `xml:"xmlns:thr,attr,omitempty"` // if an entry answers another
	Channel      rssChannel
}

type rssChannel struct {
	feeds.RssFeed
	XMLName xml.Name  `xml:"channel"`
	Links   []rssLink `xml:"atom:link"`
	Archive *struct{} `xml:"fh:archive"`
	Items   []rssItem
}

type rssItem struct {
	feeds.RssItem
	XMLName xml.Name   `xml:"item"`
	Reply   *atomReply `xml:"thr:in-reply-to"`
}

type rssLink struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
}

// FeedXml returns what feeds.WriteXML encodes.
func (f *rssFeed) FeedXml() any { return f }

func writeRSS(w io.Writer, d *Document) error {
	f := &rssFeed{
		Version: "2.0", XmlnsAtom: "http://www.w3.org/2005/Atom", XmlnsHistory: "http://purl.org/syndication/history/1.0",
		Channel: rssChannel{RssFeed: feeds.RssFeed{
			Title: d.About.Title, Link: d.Base + d.About.Home, Description: d.About.Subtitle, Language: language,
			LastBuildDate: d.Updated().Format(time.RFC1123Z),
		}},
	}
	if d.Archived() {
		f.Channel.Archive = &struct{}{}
	}
	for _, l := range d.links() {
		if l.rel == "self" {
			l.mediaType = rssType
		}
		f.Channel.Links = append(f.Channel.Links, rssLink{Rel: l.rel, Type: l.mediaType, Href: l.href})
	}
	for _, e := range d.Entries {
		title, summary, path := d.About.Describe(e)
		item := rssItem{RssItem: feeds.RssItem{
			Title: title, Link: d.Base + path, Description: summary, Category: e.Kind,
			Guid: &feeds.RssGuid{Id: d.id(e.Position), IsPermaLink: "false"}, PubDate: e.Updated.Format(time.RFC1123Z),
		}}
		if e.ReplyTo != "" {
			f.XmlnsThread = "http://purl.org/syndication/thread/1.0"
			item.Reply = &atomReply{Ref: e.ReplyTo}
		}
		f.Channel.Items = append(f.Channel.Items, item)
	}
	return feeds.WriteXML(f, w)
}

package feed

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// This file writes CloudEvents 1.0 in the JSON batch format: an array of events with the snapshots as their data. The oldest
// event comes first, because clients process events in that order. The format has no place for links: they are in the header Link.

// CloudEvents is also the dialect of the http-feeds protocol (httpfeeds.go).
var CloudEvents = Dialect{Name: "cloudevents", Types: []string{"application/cloudevents-batch+json"}, Write: writeCloudEvents}

// CloudEvent is an entry. The attribute "method" of http-feeds, which marks deleted subjects, is not used: subjects are never
// deleted.
type CloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"` // as atom:id
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"` // the path of the record
	Time            time.Time       `json:"time"`
	InReplyTo       string          `json:"inreplyto,omitempty"` // id of the entry in another feed that it answers
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

// typePrefix is the domain of authority, reversed as CloudEvents recommends.
const typePrefix = "example.msatom."

func writeCloudEvents(w io.Writer, d *Document) error {
	events := make([]CloudEvent, 0, len(d.Entries))
	for _, e := range slices.Backward(d.Entries) {
		_, _, path := d.About.Describe(e)
		events = append(events, CloudEvent{
			SpecVersion: "1.0", ID: d.id(e.Position), Source: d.Base + d.About.Path, Type: typePrefix + d.About.Name + "." + e.Kind,
			Subject: path, Time: e.Updated, InReplyTo: e.ReplyTo, DataContentType: "application/json", Data: e.Snapshot,
		})
	}
	return encodeJSON(w, events)
}

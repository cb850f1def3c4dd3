// CloudEvents 1.0 in the JSON batch format: a document as an array of events with the snapshots as their data, oldest first,
// because whoever reads events carries them out in that order. There is no place for links: they are in the Link header.

package feed

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// CloudEvents is also the dialect of the http-feeds protocol (see httpfeeds.go).
var CloudEvents = Dialect{Name: "cloudevents", Types: []string{"application/cloudevents-batch+json"}, Write: writeCloudEvents}

// CloudEvent is an entry. http-feeds has an attribute "method" to say that a subject was deleted; here none ever is.
type CloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"` // as atom:id
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"` // path of the record
	Time            time.Time       `json:"time"`
	InReplyTo       string          `json:"inreplyto,omitempty"` // id of the entry in another feed that it answers
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

// typePrefix is authority as CloudEvents wants it, reversed.
const typePrefix = "example.msatom."

func writeCloudEvents(w io.Writer, d *Document) error {
	events := make([]CloudEvent, 0, len(d.Entries))
	for _, e := range slices.Backward(d.Entries) {
		_, _, path := d.About.Describe(e)
		events = append(events, CloudEvent{
			SpecVersion: "1.0", ID: d.EntryID(e.Position), Source: d.Base + d.About.Path, Type: typePrefix + d.About.Name + "." + e.Kind,
			Subject: path, Time: e.Updated, InReplyTo: e.ReplyTo, DataContentType: "application/json", Data: e.Snapshot,
		})
	}
	return json.NewEncoder(w).Encode(events)
}

package feed

import "fmt"

// etag returns the entity tag of the document in a form, the dialect for example. It names the bytes of the representation: of
// which log, filled up to which position, which part of it, in which form.
//
//	"0f8fad5b-1234-recent-json-gzip"
func (d *Document) etag(form string) string {
	_, last := d.span()
	return d.etagAt(last, form)
}

// etagAt returns the tag that the same representation has, or had, when the log was filled up to a position.
func (d *Document) etagAt(position int64, form string) string {
	part := "open" // numbered, not archived
	switch {
	case d.Batch:
		part = fmt.Sprint("after", d.After)
	case d.Recent:
		part = "recent"
	case d.Archived():
		part = "archived"
	}
	return fmt.Sprintf(`"%.8s-%d-%s-%s"`, d.Head.Epoch, position, part, form)
}

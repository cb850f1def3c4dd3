package feed

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// This file is about answers that hold only the new entries: RFC 3229, with the instance manipulation "feed" that feed
// readers agreed on. A consumer that waits for an entry need not parse the hundred before it.
//
// The rule is the same for every dialect that consumers read: a GET of the recent document with one If-None-Match, with
// "A-IM: feed" and with "Prefer: wait" gets 226 and the entries after the position in that tag. Without "Prefer: wait" there is
// no 226, because rss2email sends "A-IM: feed" and treats 226 as an error.

// restrict leaves out the entries that the reader has, if the rule applies, and reports whether it does. The document keeps
// all its entries if the reader does not have all of those to be left out, or has another form.
func (d *Document) restrict(r *http.Request, form string, q query) bool {
	known := r.Header["If-None-Match"]
	if !d.Recent || !q.dialect.Delta || !q.prefersWait || !slices.Contains(elements(r, "A-IM"), "feed") || len(known) != 1 || r.Method != http.MethodGet || r.Header["Range"] != nil {
		return false
	}
	_, rest, _ := strings.Cut(known[0], "-")
	digits, _, _ := strings.Cut(rest, "-")
	position, err := strconv.ParseInt(digits, 10, 64)
	first, last := d.span()
	if err != nil || known[0] != d.etagAt(position, form) || position < first || position >= last {
		return false
	}
	d.After = position
	return true
}

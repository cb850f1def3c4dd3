// What is new only: who has the recent document as it was, says so (If-None-Match) and asks with "A-IM: feed", is given 226 and a document
// that holds just the entries since then (RFC 3229, with the instance manipulation "feed" that feed readers agreed on). So a reader
// that comes for one new entry reads one. Whoever has something else is given the whole, and so is who reads Atom: feedparser asks for
// "feed" there on behalf of programs that take 226 for an error, such as rss2email.

package feed

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// delta restricts the recent document to the entries that the reader does not have, if it asks for that. It reports whether it did.
func (s *served) delta(w http.ResponseWriter, r *http.Request, dialect Dialect) bool {
	manipulations := strings.Split(strings.Join(r.Header["A-Im"], ","), ",")
	if !slices.ContainsFunc(manipulations, func(m string) bool { return strings.TrimSpace(m) == "feed" }) {
		return false
	}
	tags := r.Header["If-None-Match"]
	if !s.d.Recent || !dialect.Delta || r.Method != http.MethodGet || r.Header["Range"] != nil || len(tags) != 1 {
		return false
	}
	first, last := s.d.span()
	position, ok := s.positionOf(tags[0])
	if !ok || position < first || position >= last {
		return false
	}
	s.d.After, s.status = position, http.StatusIMUsed
	h := w.Header()
	h.Set("IM", "feed")
	h.Set("Cache-Control", "no-store") // a cache that does not know 226 must not give it to others
	return true
}

// positionOf reads where the recent document ended when it had a tag.
func (s *served) positionOf(tag string) (int64, bool) {
	_, rest, _ := strings.Cut(tag, "-")
	digits, _, _ := strings.Cut(rest, "-")
	position, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || position < 1 {
		return 0, false
	}
	then := *s
	before := *s.d
	before.Head.Position = position
	before.Number = before.Head.Last()
	then.d = &before
	return position, then.etag() == tag
}

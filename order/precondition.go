// What a client requires of an order before it is changed: the headers If-Match, If-None-Match and
// If-Unmodified-Since (RFC 9110, section 13).
package main

import (
	"fmt"
	"net/http"
	"strings"
)

// precondition holds the values of the headers, "" for those that are absent.
type precondition struct{ match, noneMatch, unmodifiedSince string }

func preconditionOf(h http.Header) precondition {
	value := func(name string) string { return strings.Join(h.Values(name), ",") }
	return precondition{value("If-Match"), value("If-None-Match"), value("If-Unmodified-Since")}
}

// allows reports whether an order, which exists, may be changed. A date that cannot be read is
// ignored, as is any date beside If-Match (RFC 9110, sections 13.1.4 and 13.2.2).
func (p precondition) allows(o Order) bool {
	if p.match != "" {
		if !o.isAmong(p.match) {
			return false
		}
	} else if since, err := http.ParseTime(p.unmodifiedSince); err == nil && o.Updated.After(since) {
		return false
	}
	return p.noneMatch == "" || !o.isAmong(strings.ReplaceAll(p.noneMatch, "W/", ""))
}

// isAmong reports whether one of the strong tags in a header is a tag of the order. It compares
// versions only: publishing or delivering an order changes its tag, but not what a client would
// overwrite.
func (o Order) isAmong(tags string) bool {
	for tag := range strings.SplitSeq(tags, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.HasPrefix(tag, fmt.Sprintf(`"%d-`, o.Version)) {
			return true
		}
	}
	return false
}

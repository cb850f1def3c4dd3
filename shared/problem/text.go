package problem

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text checks a line of text that a person typed and returns it without surrounding space. It must have 1 to max
// characters, be valid UTF-8 (and hold no U+FFFD, which decoders write for what is not), and hold no control characters: those
// cannot be stored by Postgres (NUL) or written in XML.
func (f *Faults) Text(name, s string, max int) string {
	s = strings.TrimSpace(s)
	switch {
	case strings.ContainsRune(s, utf8.RuneError):
		f.Add(name, "is not valid UTF-8")
	case s == "":
		f.Add(name, "is missing")
	case utf8.RuneCountInString(s) > max:
		f.Add(name, "is longer than %d characters", max)
	case strings.ContainsFunc(s, unprintable):
		f.Add(name, "contains a control character")
	}
	return s
}

// unprintable says whether XML 1.0 section 2.2 has no place for r, or a single line of text has none.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\uFFFE' || r == '\uFFFF'
}

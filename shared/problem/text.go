package problem

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text checks a line of text and returns it without surrounding space. It must have 1 to max characters, one of which can be seen, and be
// valid UTF-8. It must not contain U+FFFD, which decoders write for invalid UTF-8; control characters, which Postgres (NUL) or XML cannot
// hold; or controls of the direction of text, which let a name look like another.
func (f *Faults) Text(name, s string, max int) string {
	s = strings.TrimSpace(s)
	switch {
	case strings.ContainsRune(s, utf8.RuneError):
		f.Add(name, "is not valid UTF-8")
	case !strings.ContainsFunc(s, visible):
		f.Add(name, "is missing")
	case utf8.RuneCountInString(s) > max:
		f.Add(name, "is longer than %d characters", max)
	case strings.ContainsFunc(s, unprintable):
		f.Add(name, "contains a control character")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }):
		f.Add(name, "contains a control character for the direction of text")
	}
	return s
}

// visible reports whether r is neither white space nor a Default_Ignorable_Code_Point (Unicode, section 5.21), such as a zero-width space.
func visible(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// unprintable reports whether r is not allowed in XML (XML 1.0, section 2.2) or in a single line of text.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\uFFFE' || r == '\uFFFF'
}

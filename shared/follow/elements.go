// Limits on the structure of a document, which are checked before it is parsed. Bytes alone do not bound the memory that a parser needs:
// ten million empty items fit into 32 MiB, and their structs take gigabytes.

package follow

import (
	"bytes"
	"encoding/xml"
	"errors"
)

const (
	// A response may have an XML element, or a JSON value in a list or object, for every 256 bytes that it may be long: with 32 MiB,
	// 131,000, which are 18,000 orders in the original's feed. Parsed, that takes up to 60 MB.
	bytesPerElement = 256
	// maxNesting is how deep XML elements may be nested. gofeed calls itself for each level, and nothing recovers from a stack overflow.
	// encoding/json has the same limit.
	maxNesting = 10_000
)

var errElements = errors.New("has too many elements")

// checkXML finds out whether an XML document has more elements than most, or elements that are nested too deeply.
func checkXML(document []byte, most int) error {
	elements := bytes.Count(document, []byte("<")) - bytes.Count(document, []byte("</")) // and comments, which is no harm
	if elements > most {
		return errElements
	}
	if elements <= maxNesting {
		return nil
	}
	tokens := xml.NewDecoder(bytes.NewReader(document))
	tokens.Strict = false // as in gofeed
	for depth := 0; ; {
		token, err := tokens.RawToken()
		if err != nil {
			return nil // the end, or a fault that the parser finds too
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxNesting {
			return errors.New("has elements that are nested too deeply")
		}
	}
}

// countValues counts the commas of a JSON text that are not inside strings.
func countValues(text []byte) (n int) {
	inString := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			inString = !inString
		case ',':
			if !inString {
				n++
			}
		}
	}
	return n
}

// checkJSON finds out whether a JSON text has more values than most.
func checkJSON(text []byte, most int) error {
	if countValues(text) > most {
		return errElements
	}
	return nil
}

// checkContents is checkJSON of what the entries of a document contain together.
func checkContents(entries []Entry, most int) error {
	for _, e := range entries {
		if most -= countValues(e.Content); most < 0 {
			return errElements
		}
	}
	return nil
}

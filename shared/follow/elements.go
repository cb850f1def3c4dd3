// Limits on the structure of a document, which are checked before it is parsed. Bytes alone do not bound the memory that a parser needs:
// ten million empty items fit into 32 MiB, and their structs take gigabytes.

package follow

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

const (
	// A response may have an XML element, or a JSON value in a list or object, for every 256 bytes that it may be long: with 32 MiB,
	// 131,000, which are 18,000 orders in the original's feed.
	bytesPerElement = 256
	// maxNesting is how deep XML elements may be nested. gofeed calls itself for each level, and nothing recovers from a stack overflow.
	// encoding/json has the same limit.
	maxNesting = 10_000
)

var errElements = errors.New("too many elements")

// checkXML finds out whether an XML document has more elements than most, or elements that are nested too deeply. A document with so many
// elements that they could be must be readable without a conversion of its characters: gofeed would see other elements after that.
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
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("more than %d elements, and not well-formed UTF-8: %w", maxNesting, err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxNesting {
			return errors.New("elements are nested too deeply")
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

// checkJSON finds out whether JSON texts have more values than most together.
func checkJSON(most int, texts ...json.RawMessage) error {
	for _, text := range texts {
		if most -= countValues(text); most < 0 {
			return errElements
		}
	}
	return nil
}

package feed

import (
	"io"
	"slices"
)

// Dialect is a format of documents. To add one, write a file like atom.go and add it to Dialects.
type Dialect struct {
	Name  string   // part of the entity tags; documents that look different need another name
	Types []string // media types that select it
	Page  bool     // whether it is a page of the site, which names the instance and may change with the program
	Delta bool     // whether consumers read it and may ask for the new entries only (delta.go)
	Write func(io.Writer, *Document) error
}

// Dialects are the dialects of every feed, the default first.
var Dialects = []Dialect{Atom, JSON, RSS, CloudEvents, HTML}

// types are the media types of all dialects, the default first.
var types = func() (types []string) {
	for _, d := range Dialects {
		types = append(types, d.Types...)
	}
	return types
}()

// dialectOf returns the dialect that a media type selects.
func dialectOf(mediaType string) (Dialect, bool) {
	i := slices.IndexFunc(Dialects, func(d Dialect) bool { return slices.Contains(d.Types, mediaType) })
	if i < 0 {
		return Dialect{}, false
	}
	return Dialects[i], true
}

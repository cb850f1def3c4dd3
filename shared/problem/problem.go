// Package problem holds the ways in which a request can fail. Every layer can return them as errors; package web turns them into
// HTTP responses: pages for browsers, RFC 9457 problem documents for programs.
package problem

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is a failure with an HTTP status. Its JSON form is an RFC 9457 problem document.
type Error struct {
	Status int     `json:"status"`
	Title  string  `json:"title"`
	Detail string  `json:"detail,omitempty"`
	Fields []Field `json:"errors,omitempty"`

	Awaited bool `json:"-"` // what is missing can still arrive: the page says how
}

// Field is a fault of one value of a request: the value's name as in the form or the JSON ("list[0].count"), and what is wrong.
type Field struct {
	Name   string `json:"field"`
	Detail string `json:"detail"`
}

// Error returns the text for logs.
func (e *Error) Error() string {
	s := e.Title
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	for _, f := range e.Fields {
		s += fmt.Sprintf("; %s %s", f.Name, f.Detail)
	}
	return s
}

// New returns an Error with an HTTP status and its standard title.
func New(status int, format string, args ...any) *Error {
	return &Error{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, args...)}
}

// NotFound returns an Error 404 that says what does not exist.
func NotFound(format string, args ...any) *Error { return New(http.StatusNotFound, format, args...) }

// Conflict returns an Error 409 that says which state prevents the change.
func Conflict(format string, args ...any) *Error { return New(http.StatusConflict, format, args...) }

// Unavailable returns an Error 503 that says which dependency is unavailable.
func Unavailable(format string, args ...any) *Error {
	return New(http.StatusServiceUnavailable, format, args...)
}

// Invalid returns an Error 422 with the fault of each field.
func Invalid(fields ...Field) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Title: "Some values cannot be accepted", Fields: fields}
}

// Faults collects the faults of a request while it is checked.
type Faults []Field

// Add adds a fault of a field.
func (f *Faults) Add(name, format string, args ...any) {
	*f = append(*f, Field{Name: name, Detail: fmt.Sprintf(format, args...)})
}

// Err returns nil if there are no faults, else an Invalid with all of them.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return Invalid(f...)
}

// As returns the Error in a chain of wrapped errors, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

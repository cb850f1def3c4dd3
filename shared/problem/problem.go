// Package problem holds the few ways in which a request can fail, as errors that every layer can return and one place
// (package web) turns into an HTTP answer: a page for a browser, an RFC 9457 problem document for a program.
package problem

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is a failure with an HTTP status that its cause has chosen. Its JSON form is an RFC 9457 problem document.
type Error struct {
	Status int     `json:"status"`
	Title  string  `json:"title"`
	Detail string  `json:"detail,omitempty"`
	Fields []Field `json:"errors,omitempty"`
}

// Field is one fault of a value that was sent: its name as in the form or the JSON ("orderLine[0].count"), and what is wrong.
type Field struct {
	Name   string `json:"field"`
	Detail string `json:"detail"`
}

// Error is the text for the log.
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

// New makes an Error of an HTTP status with its standard title.
func New(status int, format string, args ...any) *Error {
	return &Error{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, args...)}
}

// NotFound (404) says what does not exist.
func NotFound(format string, args ...any) *Error { return New(http.StatusNotFound, format, args...) }

// Conflict (409) says which state forbids the change.
func Conflict(format string, args ...any) *Error { return New(http.StatusConflict, format, args...) }

// Unavailable (503) says which broken dependency is waited for.
func Unavailable(format string, args ...any) *Error {
	return New(http.StatusServiceUnavailable, format, args...)
}

// Invalid (422) names each fault at its field.
func Invalid(fields ...Field) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Title: "Some values cannot be accepted", Fields: fields}
}

// Faults collects the faults of a value while it is checked.
type Faults []Field

// Add notes that a field is wrong.
func (f *Faults) Add(name, format string, args ...any) {
	*f = append(*f, Field{Name: name, Detail: fmt.Sprintf(format, args...)})
}

// Err is nil without faults, else one Invalid with all of them.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return Invalid(f...)
}

// As finds the Error in a chain of wrapped errors, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

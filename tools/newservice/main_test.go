package main

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, good := range []string{"points", "b", "bonus2", "x1234567890123456789"} {
		if err := check("../..", good); err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string]string{
		"":                      "must be 1 to 20",
		"Points":                "must be 1 to 20",
		"2points":               "must be 1 to 20",
		"my-points":             "must be 1 to 20",
		"my points":             "must be 1 to 20",
		"../points":             "must be 1 to 20",
		"punkte;ls":             "must be 1 to 20",
		"pünktchen":             "must be 1 to 20",
		"x12345678901234567890": "must be 1 to 20",
		"func":                  "is a word of Go",
		"string":                "is a word of Go",
		"postgres":              "is a container of the system",
		"public":                "is a schema of Postgres",
		"feed":                  "is an address of the front door",
		"path":                  "is a variable of the environment",
		"note":                  "is a name in the skeleton",
		"order":                 "order/ exists",
		"shared":                "shared/ exists",
		"bonus":                 "examples/bonus/ exists",
	} {
		if err := check("../..", name); err == nil || !strings.Contains(err.Error(), "NAME="+name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

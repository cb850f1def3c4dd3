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
		"":                      "a name of 1 to 20",
		"Points":                "a name of 1 to 20",
		"2points":               "a name of 1 to 20",
		"my-points":             "a name of 1 to 20",
		"my points":             "a name of 1 to 20",
		"../points":             "a name of 1 to 20",
		"punkte;ls":             "a name of 1 to 20",
		"pünktchen":             "a name of 1 to 20",
		"x12345678901234567890": "a name of 1 to 20",
		"func":                  "a word of Go",
		"string":                "a word of Go",
		"postgres":              "a container of the system",
		"public":                "a schema of Postgres",
		"feed":                  "an address of the front door",
		"path":                  "a variable of the environment",
		"note":                  "a name in the skeleton",
		"order":                 "order/ is there already",
		"shared":                "shared/ is there already",
		"bonus":                 "examples/bonus/ is there already",
	} {
		if err := check("../..", name); err == nil || !strings.Contains(err.Error(), "NAME="+name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

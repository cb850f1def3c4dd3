package main

import (
	"strings"
	"testing"
)

func TestConfigure(t *testing.T) {
	env := func(v map[string]string) func(string) string { return func(name string) string { return v[name] } }

	c, err := configure("../..", env(map[string]string{"INVOICING": "3"}))
	if err != nil || c.Port != 8080 || c.Scale["order"] != 1 || c.Scale["invoicing"] != 3 || c.Scale["shipping"] != 1 || c.Dir != ".run" {
		t.Errorf("%+v, %v", c, err)
	}
	for name, values := range map[string][]string{
		"PORT":     {"0", "65536", "http"},
		"ORDER":    {"0", "10", "-1", "two", "1.5"},
		"SHIPPING": {" "},
	} {
		for _, value := range values {
			if _, err := configure("../..", env(map[string]string{name: value})); err == nil || !strings.HasPrefix(err.Error(), name+"="+value) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}

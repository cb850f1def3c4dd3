package main

import (
	"strings"
	"testing"
	"time"
)

func TestConfigure(t *testing.T) {
	t.Parallel()
	env := func(v map[string]string) func(string) string { return func(name string) string { return v[name] } }

	s, o, err := configure(env(map[string]string{"ORDERS": "20000", "MINUTES": "0.5", "DESIGN": "bigserial"}))
	if err != nil || s.Name != "bigserial" || o.Orders != 20000 || o.Length != 30*time.Second || o.Seed != 1 {
		t.Errorf("%s, %+v, %v", s.Name, o, err)
	}
	if s, o, err = configure(env(nil)); err != nil || s.Name != "msatom" || o.Orders != 2000 || o.Length != time.Minute {
		t.Errorf("%s, %+v, %v", s.Name, o, err)
	}
	for name, values := range map[string][]string{
		"ORDERS":  {"0", "-1", "1.5", "many", "NaN", "1e9"},
		"MINUTES": {"0", "-1", "NaN", "soon", "Inf"},
		"SEED":    {"-1", "1.5", "x"},
		"DESIGN":  {"good", ".", "naive", "../sound"},
	} {
		for _, value := range values {
			if _, _, err := configure(env(map[string]string{name: value})); err == nil || !strings.HasPrefix(err.Error(), name+"="+value) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}

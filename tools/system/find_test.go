package system

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A folder is a service because of the files in it. A folder with an impossible name is an error.
func TestServicesAreFound(t *testing.T) {
	t.Parallel()
	program := func(folder string) []string { return []string{folder + "/main.go", folder + "/migrations/0001.sql"} }
	for _, c := range []struct {
		name  string
		files [][]string
		want  string
	}{
		{"in both places", [][]string{program("order"), program("examples/bonus"), program("tax")}, "[{order order} {tax tax} {bonus examples/bonus}] <nil>"},
		{"order first", [][]string{program("billing"), program("order"), program("examples/bonus")}, "[{order order} {billing billing} {bonus examples/bonus}] <nil>"},
		{"not without a schema", [][]string{program("order"), {"tool/main.go"}, {"docs/migrations/0001.sql"}}, "[{order order}] <nil>"},
		{"not deeper", [][]string{program("order"), program("tools/run/tax"), program("examples/x/tax")}, "[{order order}] <nil>"},
		{"a name of other signs", [][]string{program("order"), program("examples/my-tax")}, "[] examples/my-tax: the name of a service consists of lower-case letters and digits"},
		{"one name twice", [][]string{program("order"), program("tax"), program("examples/tax")}, "[] tax and examples/tax are two services with one name"},
		{"without order", [][]string{program("tax")}, "[] there is no service order in "},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			for _, files := range c.files {
				for _, file := range files {
					if err := os.MkdirAll(filepath.Join(root, filepath.Dir(file)), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			found, err := Services(root)
			if err != nil {
				found = nil
			}
			if c.name == "without order" {
				c.want += root
			}
			if got := fmt.Sprint(found, " ", err); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

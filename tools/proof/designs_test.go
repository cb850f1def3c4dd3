package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"msatom/tools/system"
)

func TestDesignsInTheRepository(t *testing.T) {
	t.Parallel()
	root, err := system.FindRoot()
	if err != nil {
		t.Fatal(err)
	}
	names := designNames(root)
	for name := range lessons {
		if !slices.Contains(names, name) {
			t.Errorf("the lesson %s has no program", name)
		}
	}
	for _, name := range names {
		if s, err := design(root, name); err != nil || s.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A folder of somebody's own is a design, and the error names what it lacks.
func TestDesignOfOnesOwn(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, c := range []struct{ name, program, replaces, complaint string }{
		{"consumer", "func main() { naive.Consume(naive.Tables, poll) }", "invoicing", ""},
		{"publisher", "func main() { naive.Publish(naive.Design{}) }", "order", ""},
		{"neither", "func main() {}", "", "must call naive.Consume"},
		{"empty", "", "", "needs a program in main.go"},
		{"Upper", "", "", "lower-case"},
	} {
		folder := filepath.Join(root, designs, c.name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if c.program != "" {
			if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(c.program), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s, err := design(root, c.name)
		if c.complaint == "" && (err != nil || s.Replace[c.replaces] != designs+"/"+c.name || !slices.Equal(s.Faults, soundFaults)) {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
		if c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.complaint)
		}
	}
	if _, err := design(root, "absent"); err == nil || !strings.Contains(err.Error(), "the designs are consumer, neither, publisher") {
		t.Error(err)
	}
}

// Links in documents lead to files and headings that exist, and the tests that documents name exist.
package shared_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	heading      = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchor  = regexp.MustCompile(`[^a-z0-9 _-]`)
	testName     = regexp.MustCompile("`(Test[A-Z]\\w*)`")
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
)

func TestDocumentReferences(t *testing.T) {
	t.Parallel()
	documents, tests := map[string]string{}, map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		isTest := strings.HasSuffix(path, "_test.go")
		if d.IsDir() || !isTest && !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !isTest {
			documents[path] = string(text)
		}
		for _, f := range testFunction.FindAllStringSubmatch(string(text), -1) {
			tests[f[1]] = true
		}
		return nil
	})
	if err != nil || len(documents) < 8 || len(tests) < 100 {
		t.Fatalf("%d documents, %d tests, %v", len(documents), len(tests), err)
	}
	for path, text := range documents {
		for _, link := range markdownLink.FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			to := path
			if link[1] != "" {
				to = filepath.Join(filepath.Dir(path), link[1])
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, link[1])
			}
			if link[2] != "" && !slices.Contains(anchors(documents[to]), link[2]) {
				t.Errorf("%s links to #%s in %s, which has no such heading", path, link[2], to)
			}
		}
		for _, name := range testName.FindAllStringSubmatch(text, -1) {
			if !tests[name[1]] {
				t.Errorf("%s names the test %s, which does not exist", path, name[1])
			}
		}
	}
}

// anchors returns the anchors that GitHub gives to the headings of a document.
func anchors(document string) (list []string) {
	for _, h := range heading.FindAllStringSubmatch(document, -1) {
		list = append(list, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return list
}

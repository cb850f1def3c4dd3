package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shop matches words of the shop, which only its services may use.
var shop = regexp.MustCompile(`(?i)^(orders?|invoices?|shipments?|customers?|items?|invoicing|shipping|bonus)$`)

// notShop are uses of these words that mean something else, by path prefix.
var notShop = map[string]*regexp.Regexp{
	"shared/":                 regexp.MustCompile(`(?i)\border by\b`), // SQL
	"shared/feed/rss.go":      regexp.MustCompile(`(?i)items?`),       // elements of RSS
	"shared/feed/jsonfeed.go": regexp.MustCompile(`(?i)items?`),       // members of JSON Feed
	"shared/follow/":          regexp.MustCompile(`(?i)items?`),       // the same, as a consumer reads them
	"shared/page/style.css":   regexp.MustCompile(`align-items`),      // a property
}

var word = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)

// TestSharedKnowsNothingAboutTheShop searches all files of shared for words of the shop: identifiers, strings, templates, SQL,
// styles and scripts, but not tests and comments.
func TestSharedKnowsNothingAboutTheShop(t *testing.T) {
	t.Parallel()
	comments := map[string]*regexp.Regexp{
		".html": regexp.MustCompile(`(?s)<!--.*?-->|\{\{/\*.*?\*/\}\}`),
		".sql":  regexp.MustCompile(`--[^\n]*`),
		".js":   regexp.MustCompile(`(?m)^\s*//.*$`),
		".css":  regexp.MustCompile(`(?s)/\*.*?\*/`),
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var text string
		switch ext := filepath.Ext(path); {
		case strings.HasSuffix(path, "_test.go"):
			return nil
		case ext == ".go":
			text, err = code(path, b)
		case comments[ext] != nil:
			text = string(b)
		}
		name := "shared/" + filepath.ToSlash(path)
		for prefix, other := range notShop {
			if strings.HasPrefix(name, prefix) {
				text = other.ReplaceAllString(text, "")
			}
		}
		if c := comments[filepath.Ext(path)]; c != nil {
			text = c.ReplaceAllString(text, "")
		}
		for _, w := range word.FindAllString(text, -1) {
			if shop.MatchString(w) {
				t.Errorf("%s contains %q, a word of the shop", name, w)
			}
		}
		if strings.Contains(text, "Big Money") {
			t.Errorf("%s contains the company's name", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// code returns the identifiers and strings of a Go file.
func code(path string, b []byte) (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), path, b, parser.SkipObjectResolution)
	var text []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if n.Sel.Name == "Order" { // gorm's ORDER BY
				n.Sel = ast.NewIdent("sort")
			}
		case *ast.Ident:
			text = append(text, n.Name)
		case *ast.BasicLit:
			text = append(text, n.Value)
		}
		return true
	})
	return strings.Join(text, "\n"), err
}

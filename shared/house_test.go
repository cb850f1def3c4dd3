// The rules of the project that no compiler checks: imports, names, file sizes, doc comments.
package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type source struct {
	path    string // from the repository's root
	imports []string
	file    *ast.File
	lines   int
	test    bool
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		if d.IsDir() && d.Name() != ".." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{path: name, file: f, lines: strings.Count(string(text), "\n"), test: strings.HasSuffix(name, "_test.go")}
		for _, i := range f.Imports {
			s.imports = append(s.imports, strings.Trim(i.Path.Value, `"`))
		}
		all = append(all, s)
		return nil
	})
	if err != nil || len(all) < 30 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

func TestHouse(t *testing.T) {
	t.Parallel()
	all := sources(t)
	var services []string
	for _, s := range all {
		if part := partOf(s.path); s.path == part+"/main.go" {
			services = append(services, part)
		}
	}
	for _, s := range all {
		folder := partOf(s.path)
		for _, i := range s.imports {
			into, ours := strings.CutPrefix(i, "msatom/")
			to := partOf(into)
			switch {
			case ours && folder != to && slices.Contains(services, to):
				t.Errorf("%s imports a service: %s", s.path, i)
			case ours && folder != "e2e" && (to == "e2e" || folder != "tools" && to == "tools"):
				t.Errorf("%s imports %s: no other module may import e2e or tools", s.path, i)
			case strings.HasPrefix(i, "github.com/labstack/echo/") && !isWebFile(s.path):
				t.Errorf("%s imports echo, which only web files may", s.path)
			case i == "reflect" && !s.test && (folder == "shared" || slices.Contains(services, folder)):
				t.Errorf("%s imports reflect: the code that reads and saves records is explicit", s.path)
			case folder != "e2e" && strings.Contains(i, "chromedp"):
				t.Errorf("%s imports %s, which only e2e may", s.path, i)
			}
		}
		for _, part := range strings.Split(filepath.Dir(s.path), "/") {
			if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc"}, part) {
				t.Errorf("%s: %s does not say what the folder contains", s.path, part)
			}
		}
		if !s.test && s.lines > 300 {
			t.Errorf("%s has %d lines, more than 300", s.path, s.lines)
		}
		if slices.Contains(services, folder) && filepath.Base(s.path) == "main.go" && s.lines > 60 {
			t.Errorf("%s has %d lines: it contains wiring only", s.path, s.lines)
		}
		// go doc shows the comments directly above the package clauses of all files.
		if doc := s.file.Doc.Text(); folder == "shared" && !s.test && doc != "" && !strings.HasPrefix(doc, "Package ") && s.file.Name.Name != "main" {
			t.Errorf("%s: the comment about the file becomes part of the package's doc comment: leave a blank line below it", s.path)
		}
		checkDocComments(t, s)
	}
	// These three files explain the path of an order. Each takes about a minute to read.
	for _, story := range []string{"../order/feed.go", "../shared/follow/follow.go", "../invoicing/consumer.go"} {
		text, err := os.ReadFile(story)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > 150 {
			t.Errorf("%s has %d lines, too many to read in a minute", story, n)
		}
	}
}

// partOf returns the part of the repository that a file or package belongs to: a folder below the root or below examples/.
func partOf(path string) string {
	parts := strings.SplitN(path, "/", 3)
	if parts[0] == "examples" && len(parts) > 1 {
		return "examples/" + parts[1]
	}
	return parts[0]
}

// isWebFile reports whether a file may import echo. Few files may, so moving to another version of echo remains little work.
func isWebFile(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(path, "shared/web/") || strings.HasPrefix(path, "shared/consumerstatus/") || path == "shared/feed/feed.go" ||
		strings.HasPrefix(name, "web") || name == "form.go"
}

func isUnexported(receiver ast.Expr) bool {
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && !name.IsExported()
}

// checkDocComments reports exported functions and types without a doc comment.
func checkDocComments(t *testing.T, s source) {
	if s.test {
		return
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && !(d.Recv != nil && isUnexported(d.Recv.List[0].Type)) {
				t.Errorf("%s: %s has no doc comment", s.path, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
					t.Errorf("%s: %s has no doc comment", s.path, ts.Name)
				}
			}
		}
	}
}

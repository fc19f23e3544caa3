package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// A Finding is one breach of a rule: where (file:line, or a name) and what.
type Finding struct{ Where, What string }

func (f Finding) String() string { return f.Where + ": " + f.What }

// A File is one parsed Go file. Path and Dir are relative to the module's root, with slashes.
type File struct {
	Path, Dir string
	Test      bool // name ends in _test.go
	AST       *ast.File
}

// A Tree is all Go files of the module, in path order.
type Tree struct {
	Module string
	Fset   *token.FileSet
	Files  []*File
}

// Load parses every Go file below the root of fsys but those in testdata, hidden and underscore folders.
func Load(fsys fs.FS, module string) (*Tree, error) {
	t := &Tree{Module: module, Fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			if name != "." && (base[0] == '.' || base[0] == '_' || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(t.Fset, name, src, parser.ParseComments)
		if err != nil {
			return err
		}
		t.Files = append(t.Files, &File{Path: name, Dir: path.Dir(name), Test: strings.HasSuffix(name, "_test.go"), AST: parsed})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("layout: load: %w", err)
	}
	return t, nil
}

func (t *Tree) at(n ast.Node) string {
	p := t.Fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// local is the folder of an import of this module, false for any other import.
func (t *Tree) local(importPath string) (string, bool) {
	if importPath == t.Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, t.Module+"/")
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return p
}

// under tells whether a slash path is one of the roots or below one.
func under(name string, roots ...string) bool {
	for _, root := range roots {
		if name == root || strings.HasPrefix(name, root+"/") {
			return true
		}
	}
	return false
}

// TopLevel checks the names at the top of the repository. tracked lists files, as git does; exists tells whether a
// name is there at all.
func TopLevel(tracked []string, exists func(name string) bool) []Finding {
	allowed := map[string]bool{"cmd": true, "engine": true, "wal": true, "shard": true, "bench": true, "api": true,
		"go.mod": true, "go.sum": true, "Makefile": true, "README.md": true}
	extra := map[string]bool{}
	for _, file := range tracked {
		top, _, _ := strings.Cut(file, "/")
		if !allowed[top] && !strings.HasPrefix(top, ".") {
			extra[top] = true
		}
	}
	var out []Finding
	for name := range extra {
		out = append(out, Finding{name, "stands at the top of the repository; design.md 9 lists what may"})
	}
	for _, name := range []string{"go.mod", "go.sum", "Makefile"} {
		if !exists(name) {
			out = append(out, Finding{name, "is missing"})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Where < out[j].Where })
	return out
}

// Docs checks that each package has a doc.go whose comment says what it is: "Package x ..."; for a program also
// "Command x ...", x being its folder.
func Docs(t *Tree) []Finding {
	packages, docs := map[string]string{}, map[string]*File{}
	for _, f := range t.Files {
		if f.Test {
			continue
		}
		packages[f.Dir] = f.AST.Name.Name
		if path.Base(f.Path) == "doc.go" {
			docs[f.Dir] = f
		}
	}
	var out []Finding
	for dir, name := range packages {
		want := "Package " + name + " "
		doc := docs[dir]
		switch {
		case doc == nil:
			out = append(out, Finding{dir, "has no doc.go"})
		case name == "main" && strings.HasPrefix(doc.AST.Doc.Text(), "Command "+path.Base(dir)+" "):
		case !strings.HasPrefix(doc.AST.Doc.Text(), want):
			out = append(out, Finding{doc.Path, fmt.Sprintf("the package comment does not begin with %q", want)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Where < out[j].Where })
	return out
}

// Pins are the versions that the peers' figures and the design speak of (dependencies.md).
var Pins = map[string]string{
	"github.com/valyala/fasthttp":      "v1.77.0",
	"github.com/cockroachdb/pebble/v2": "v2.1.7",
}

// CheckPins reads lines "path version [replacement]" as `go list -m` prints them with the format of ListFormat.
func CheckPins(list string) []Finding {
	got := map[string]string{}
	for line := range strings.Lines(list) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			got[name] = version
		}
	}
	var out []Finding
	for name, want := range Pins {
		if got[name] != want {
			out = append(out, Finding{name, fmt.Sprintf("version %q, the pin is %s", got[name], want)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Where < out[j].Where })
	return out
}

// ListFormat is the format for `go list -m -f` that CheckPins reads: a replacement shows in the version.
const ListFormat = "{{.Path}} {{.Version}}{{with .Replace}} replaced by {{.Path}} {{.Version}}{{end}}"

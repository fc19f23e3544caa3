package defects

import (
	"go/ast"
	"go/build/constraint"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gongji/bench/layout"
)

const hookSuffix = "Defect"

// constant is the name of a defect's hook: nosync -> nosyncDefect, self_last -> selfLastDefect.
func (d *Defect) constant() string {
	words := strings.Split(d.Name, "_")
	for i := range words[1:] {
		words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
	}
	return strings.Join(words, "") + hookSuffix
}

// hooks is what the tree has of defects.
type hooks struct {
	files    map[string]string   // of one tag, by tag: folder
	none     map[string][]string // by folder: tags without which its normal build is
	declared map[string]string   // constants: folder
	asked    map[string][]string // constants: folders of the conditions that ask them
	wrong    []string
}

func readTree(t *testing.T, tree *layout.Tree) *hooks {
	h := &hooks{files: map[string]string{}, none: map[string][]string{}, declared: map[string]string{}, asked: map[string][]string{}}
	for _, f := range tree.Files {
		if line := buildLine(f.AST); strings.Contains(line, TagPrefix) {
			h.tagged(t, f, line)
		}
		conditions := map[*ast.Ident]bool{}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IfStmt:
				note(conditions, n.Cond)
			case *ast.CaseClause:
				for _, x := range n.List {
					note(conditions, x)
				}
			case *ast.GenDecl:
				if n.Tok == token.CONST {
					h.declare(f, n, conditions)
				}
			case *ast.Ident:
				if strings.HasSuffix(n.Name, hookSuffix) && n.Name != hookSuffix && n.Name != "hookSuffix" && path.Base(f.Dir) != "defects" {
					if !conditions[n] {
						h.wrong = append(h.wrong, f.Path+": "+n.Name+" outside a condition")
					} else if path.Base(f.Path) != "defects.go" {
						h.asked[n.Name] = append(h.asked[n.Name], f.Dir)
					}
				}
			}
			return true
		})
	}
	return h
}

func buildLine(f *ast.File) string {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if constraint.IsGoBuild(c.Text) && c.Pos() < f.Package {
				return c.Text
			}
		}
	}
	return ""
}

// note marks the identifiers of a condition.
func note(conditions map[*ast.Ident]bool, x ast.Expr) {
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			conditions[id] = true
		}
		return true
	})
}

// tagged sorts a file with defect tags: it is of one tag, or the one of none.
func (h *hooks) tagged(t *testing.T, f *layout.File, line string) {
	expr, err := constraint.Parse(line)
	if err != nil {
		t.Fatalf("%s: %v", f.Path, err)
	}
	if tag, ok := expr.(*constraint.TagExpr); ok {
		name := strings.TrimPrefix(tag.Tag, TagPrefix)
		if path.Base(f.Path) != TagPrefix+name+".go" || h.files[name] != "" {
			h.wrong = append(h.wrong, f.Path+": is another file of "+tag.Tag)
		}
		h.files[name] = f.Dir
		return
	}
	if path.Base(f.Path) != "defect_none.go" {
		h.wrong = append(h.wrong, f.Path+": has defect tags")
		return
	}
	for _, m := range regexp.MustCompile(`!`+TagPrefix+`(\w+)`).FindAllStringSubmatch(line, -1) {
		h.none[f.Dir] = append(h.none[f.Dir], m[1])
	}
}

// declare notes the hooks' constants; each is "active ==" a number of its own.
func (h *hooks) declare(f *layout.File, d *ast.GenDecl, conditions map[*ast.Ident]bool) {
	for _, spec := range d.Specs {
		for _, id := range spec.(*ast.ValueSpec).Names {
			if strings.HasSuffix(id.Name, hookSuffix) && path.Base(f.Path) == "defects.go" {
				conditions[id] = true
				h.declared[id.Name] = f.Dir
			}
		}
	}
}

// TestTable: the table has the 24 defects of reliability.md T20; each has one file with its tag, one constant, and conditions in one package that ask
// it; and the tree has no others.
func TestTable(t *testing.T) {
	tree, err := layout.Load(os.DirFS(moduleRoot), "gongji")
	if err != nil {
		t.Fatal(err)
	}
	h := readTree(t, tree)
	for _, w := range h.wrong {
		t.Error(w)
	}
	asks, byDir := map[string]bool{}, map[string][]string{}
	for i := range Table {
		d := &Table[i]
		asks[d.Asks] = true
		byDir[d.Dir] = append(byDir[d.Dir], d.Name)
		askedBy := slices.Compact(slices.Clone(h.asked[d.constant()]))
		if h.files[d.Name] != d.Dir || h.declared[d.constant()] != d.Dir || !slices.Equal(askedBy, []string{d.Dir}) {
			t.Errorf("%s: file in %q, constant %s in %q, asked in %q; want all in %s", d.Name, h.files[d.Name], d.constant(), h.declared[d.constant()], askedBy, d.Dir)
		}
		for _, s := range d.sightings() {
			if _, found := describe(tree, s); !found || s.Says == "" {
				t.Errorf("%s: no test %s in %s, or it says nothing", d.Name, s.Run, s.Package)
			}
		}
		if text, _ := describe(tree, d.By); !strings.Contains(text, TagPrefix+d.Name) { // reliability.md 3.2, rule 6
			t.Errorf("%s: %s does not say that it must catch it", d.Name, d.By.Run)
		}
	}
	if len(Table) != 24 || len(asks) != 24 || len(h.files) != 24 || len(h.declared) != 24 {
		t.Errorf("%d defects with %d reasons, %d tags, %d constants, want 24 of each", len(Table), len(asks), len(h.files), len(h.declared))
	}
	for dir, names := range byDir {
		slices.Sort(names)
		slices.Sort(h.none[dir])
		if !slices.Equal(names, h.none[dir]) {
			t.Errorf("%s: the normal build is without %q, want %q", dir, h.none[dir], names)
		}
	}
}

// describe gives what stands above a sighting's test, or in its script where it is one; false: there is no such test.
func describe(tree *layout.Tree, s Sighting) (text string, found bool) {
	test, sub, scripted := strings.Cut(unanchored(s.Run), "/")
	for _, f := range tree.Files {
		if f.Dir != s.Package || !f.Test {
			continue
		}
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == test {
				text, found = fn.Doc.Text(), true
			}
		}
	}
	if scripted {
		raw, err := os.ReadFile(filepath.Join(moduleRoot, s.Package, "testdata", sub+".txt"))
		return string(raw), found && err == nil
	}
	return text, found
}

// TestCostsNothing: what only defects use is not in the binary, and would be with its tag. The conditions themselves are of constants, which the
// compiler drops (DESIGN.md compares the code). It builds the program, so it runs only when all defects do.
func TestCostsNothing(t *testing.T) {
	if os.Getenv(Variable) != "all" {
		return
	}
	tree, err := layout.Load(os.DirFS(moduleRoot), "gongji")
	if err != nil {
		t.Fatal(err)
	}
	var helpers []string
	for _, f := range tree.Files {
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && path.Base(f.Path) == "defects.go" {
				helpers = append(helpers, symbol(f.Dir, fn))
			}
		}
	}
	r := &runner{root: moduleRoot, scratch: t.TempDir(), built: map[string]string{}}
	binary := filepath.Join(r.scratch, "gongji")
	if err := r.goTool("build", "-trimpath", "-buildvcs=false", "-o", binary, "./cmd/gongji"); err != nil { // as make build does: mostly built already
		t.Fatal(err)
	}
	normal := output(t, "go", "tool", "nm", binary)
	for _, name := range helpers {
		if strings.Contains(normal, name) {
			t.Errorf("%s is in the binary", name)
		}
	}
	with, err := r.build("engine/ledger", tags+","+TagPrefix+"unbind_late")
	if err != nil {
		t.Fatal(err)
	}
	const one = "gongji/engine/ledger.(*State).endLate"
	if !slices.Contains(helpers, one) || !strings.Contains(output(t, "go", "tool", "nm", with), one) {
		t.Errorf("vacuous: %s is not in the binary that has it, helpers are %q", one, helpers)
	}
}

// symbol is a function's name in a binary.
func symbol(dir string, fn *ast.FuncDecl) string {
	name := fn.Name.Name
	if fn.Recv != nil {
		switch on := fn.Recv.List[0].Type.(type) {
		case *ast.StarExpr:
			name = "(*" + on.X.(*ast.Ident).Name + ")." + name
		case *ast.Ident:
			name = on.Name + "." + name
		}
	}
	return "gongji/" + dir + "." + name
}

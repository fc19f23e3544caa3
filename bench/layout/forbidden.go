package layout

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"path"
	"strings"
)

// Where the rules of Forbidden hold, non-test files only.
var (
	// deterministic folders are a function of the log: no clock, no randomness, no lock.
	deterministic = []string{"engine/ledger", "shard", "engine/executor"}
	// exact folders hold money: no floating point.
	exact = []string{"engine/ledger", "shard", "engine/executor", "engine/command", "engine/journal", "engine/reconcile", "bench/province"}
	// plain folders are sequential code without map order.
	plain = []string{"engine/ledger"}
)

// forbiddenNames are the names that deterministic folders must not take from a package.
var forbiddenNames = map[string]map[string]bool{
	"time": {"Now": true, "Since": true, "Until": true, "After": true, "AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true, "Sleep": true},
	"sync": {"Mutex": true, "RWMutex": true, "Map": true, "Cond": true, "NewCond": true, "Locker": true},
}

// forbiddenImports are whole packages; hash/maphash has a random seed.
var forbiddenImports = []string{"math/rand", "crypto/rand", "hash/maphash", "github.com/valyala/fastrand"}

// Forbidden checks what style.md forbids in the deterministic core.
func Forbidden(t *Tree) []Finding {
	var out []Finding
	for _, f := range t.Files {
		if f.Test {
			continue
		}
		if under(f.Dir, deterministic...) {
			out = append(out, impure(t, f)...)
		}
		if under(f.Dir, exact...) {
			out = append(out, floats(t, f)...)
		}
		if under(f.Dir, plain...) {
			out = append(out, goroutines(t, f)...)
		}
	}
	return append(out, mapRanges(t)...)
}

// impure finds clocks, randomness and locks.
func impure(t *Tree, f *File) (out []Finding) {
	names := map[string]string{} // name in the file -> package
	for _, spec := range f.AST.Imports {
		p := importPath(spec)
		if under(p, forbiddenImports...) {
			out = append(out, Finding{t.at(spec), p + " in deterministic code"})
		}
		if forbiddenNames[p] == nil {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			out = append(out, Finding{t.at(spec), "dot import of " + p + " in deterministic code"})
		}
		names[name] = p
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && forbiddenNames[names[id.Name]][sel.Sel.Name] {
				out = append(out, Finding{t.at(sel), names[id.Name] + "." + sel.Sel.Name + " in deterministic code"})
			}
		}
		return true
	})
	return out
}

func floats(t *Tree, f *File) (out []Finding) {
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if n.Name == "float64" || n.Name == "float32" {
				out = append(out, Finding{t.at(n), n.Name + " beside money"})
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				out = append(out, Finding{t.at(n), "floating-point constant " + n.Value + " beside money"})
			}
		}
		return true
	})
	return out
}

func goroutines(t *Tree, f *File) (out []Finding) {
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType:
			out = append(out, Finding{t.at(n), "goroutine, select or channel in the rules"})
		}
		return true
	})
	return out
}

// mapRanges finds loops over maps in the plain folders. It needs types: each folder is type-checked against the standard
// library's sources; what fails to check is told by the compiler, but a range whose type stays unknown is a finding here.
func mapRanges(t *Tree) (out []Finding) {
	byPackage := map[string][]*ast.File{}
	var order []string
	for _, f := range t.Files {
		if f.Test || !under(f.Dir, plain...) {
			continue
		}
		if byPackage[f.Dir] == nil {
			order = append(order, f.Dir)
		}
		byPackage[f.Dir] = append(byPackage[f.Dir], f.AST)
	}
	std := importer.ForCompiler(t.Fset, "source", nil)
	for _, dir := range order {
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		config := types.Config{Importer: std, Error: func(error) {}} // both sides of a build tag are checked: names may repeat
		if _, err := config.Check(t.Module+"/"+dir, t.Fset, byPackage[dir], info); err != nil && !strings.Contains(err.Error(), "redeclared") {
			out = append(out, Finding{dir, fmt.Sprintf("does not type-check: %v", err)})
		}
		for _, file := range byPackage[dir] {
			ast.Inspect(file, func(n ast.Node) bool {
				if loop, ok := n.(*ast.RangeStmt); ok {
					out = append(out, judgeRange(t, loop, info.Types[loop.X].Type)...)
				}
				return true
			})
		}
	}
	return out
}

func judgeRange(t *Tree, loop *ast.RangeStmt, over types.Type) []Finding {
	if over == nil || over == types.Typ[types.Invalid] {
		return []Finding{{t.at(loop), "range over something of unknown type"}}
	}
	if _, isMap := over.Underlying().(*types.Map); isMap {
		return []Finding{{t.at(loop), "range over a map: its order is random"}}
	}
	return nil
}

package layout

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

const module = "gongji"

// root is the repository's root: the nearest folder above the test's that holds go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

func report(t *testing.T, findings []Finding) {
	t.Helper()
	for _, f := range findings {
		t.Error(f)
	}
}

func TestRepositorySource(t *testing.T) {
	tree, err := Load(os.DirFS(root(t)), module)
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Files) < 10 {
		t.Fatalf("only %d Go files found", len(tree.Files))
	}
	for name, rule := range map[string]func(*Tree) []Finding{"imports": Imports, "docs": Docs, "forbidden": Forbidden} {
		t.Run(name, func(t *testing.T) { report(t, rule(tree)) })
	}
}

func TestRepositoryTopLevel(t *testing.T) {
	dir := root(t)
	// A checkout may belong to another user than the one who tests it; reading the index is harmless.
	list := run(t, dir, "git", "-c", "safe.directory=*", "ls-files", "-z")
	tracked := strings.FieldsFunc(list, func(r rune) bool { return r == 0 })
	if len(tracked) == 0 {
		t.Fatal("git tracks no file")
	}
	report(t, TopLevel(tracked, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}))
}

func TestRepositoryPins(t *testing.T) {
	args := []string{"list", "-m", "-f", ListFormat}
	for name := range Pins {
		args = append(args, name)
	}
	report(t, CheckPins(run(t, root(t), "go", args...)))
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != module {
		t.Errorf("test built from module %q, want %s", info.Main.Path, module)
	}
}

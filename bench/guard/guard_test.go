package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a module with a benchmark in two commits and one more change in the work tree.
func repository(t *testing.T) (root, first string) {
	t.Helper()
	root = t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		cmd.Dir = root
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, text)
		}
		return strings.TrimSpace(string(text))
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module m\n\ngo 1.26\n")
	write("p/p_test.go", "package p\n\nimport \"testing\"\n\nvar sink []byte\n\nfunc BenchmarkMake(b *testing.B) {\n\tfor b.Loop() {\n\t\tsink = make([]byte, 64)\n\t}\n}\n")
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "first")
	first = git("rev-parse", "HEAD")
	write("p/p_test.go", "package p\n\nimport \"testing\"\n\nvar sink []byte\n\nfunc BenchmarkMake(b *testing.B) {\n\tfor b.Loop() {\n\t\tsink = make([]byte, 4096)\n\t}\n}\n")
	write("q/q_test.go", "package q\n")
	write("stat/main.go", "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"strings\"\n)\n\nfunc main() {\n\tfor _, a := range os.Args[1:] {\n\t\tname, file, _ := strings.Cut(a, \"=\")\n\t\ttext, err := os.ReadFile(file)\n\t\tfmt.Println(name, strings.Count(string(text), \"BenchmarkMake\"), err)\n\t}\n}\n")
	return root, first
}

func guarded(t *testing.T, root string, o options) (results map[string]string, log string, err error) {
	t.Helper()
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	o.keep, o.benchstat = t.TempDir(), "./stat"
	var out, told bytes.Buffer
	err = guard(t.Context(), root, o, &out, &told)
	left, e := os.ReadDir(temporary)
	if e != nil {
		t.Fatal(e)
	}
	for _, l := range left {
		if strings.HasPrefix(l.Name(), "gongji-guard-") {
			t.Errorf("%s is left behind", l.Name())
		}
	}
	trees, e := output(t.Context(), root, "git", "worktree", "list")
	if e != nil || strings.Count(trees, "\n") != 0 {
		t.Errorf("work trees left: %s, %v", trees, e)
	}
	results = map[string]string{"out": out.String()}
	for _, name := range []string{"base", "head"} {
		text, _ := os.ReadFile(filepath.Join(o.keep, name+".txt"))
		results[name] = string(text)
	}
	return results, told.String(), err
}

// TestGuard: the base's binary is the base's, the head's the work tree's; they take turns, nothing stays behind, and benchstat (here a small
// program in its place: the true one comes from the module proxy) gets both.
func TestGuard(t *testing.T) {
	root, first := repository(t)
	results, log, err := guarded(t, root, options{base: first, bench: "Make", packages: "p ./q", benchtime: "100x", count: 2})
	if strings.Count(results["base"], "64 B/op") != 2 || strings.Count(results["head"], "4096 B/op") != 2 {
		t.Fatalf("%v\nbase: %s\nhead: %s", err, results["base"], results["head"])
	}
	if err != nil || results["out"] != "base 2 <nil>\nhead 2 <nil>\n" {
		t.Errorf("printed: %s, %v", results["out"], err)
	}
	var order []string
	for line := range strings.Lines(log) {
		if rest, ok := strings.CutPrefix(line, "turn "); ok {
			order = append(order, strings.Fields(rest)[3])
		}
	}
	if strings.Join(order, " ") != "base head head base" {
		t.Errorf("turns: %q", order)
	}
	if !strings.Contains(log, "q is not in base: left out") {
		t.Errorf("told: %s", log)
	}
}

// TestGuardCleansUp: whatever fails, the work tree of the base goes.
func TestGuardCleansUp(t *testing.T) {
	root, first := repository(t)
	for want, o := range map[string]options{
		"no commit":             {base: "nobody", bench: ".", packages: "p", benchtime: "1x", count: 1},
		"no package to compare": {base: first, bench: ".", packages: "none", benchtime: "1x", count: 1},
		"no benchmark matched":  {base: first, bench: "None", packages: "p", benchtime: "1x", count: 1},
		"invalid value":         {base: first, bench: ".", packages: "p", benchtime: "red", count: 1},
	} {
		if _, _, err := guarded(t, root, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

package layout

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A case is a small tree and the findings expected in it, as parts of their text; "" for a tree in order.
type ruleCase struct {
	name  string
	rule  func(*Tree) []Finding
	files map[string]string
	want  []string
}

// importing is a file of package p with the given imports.
func importing(paths ...string) string {
	return "package p\nimport (\n_ \"" + strings.Join(paths, "\"\n_ \"") + "\"\n)\n"
}

func one(path, src string) map[string]string { return map[string]string{path: src} }

func body(src string) string { return "package p\n" + src }

var ruleCases = []ruleCase{
	{"down is allowed", Imports, map[string]string{
		"cmd/gongji/a.go":         importing("gongji/api", "gongji/engine", "gongji/bench/province", "github.com/valyala/fasthttp"),
		"api/rest/a.go":           importing("gongji/engine", "gongji/api/limits", "github.com/valyala/fasthttp"),
		"engine/a.go":             importing("gongji/engine/sequencer", "gongji/wal/pebblelog", "gongji/engine/ledger"),
		"engine/state/pages/a.go": importing("gongji/shard", "gongji/engine/ledger", "github.com/cockroachdb/pebble/v2/vfs"),
		"engine/ledger/a.go":      importing("crypto/sha256", "errors"),
		"wal/memlog/a.go":         importing("gongji/wal", "sync"),
		"engine/ledger/a_test.go": importing("gongji/bench/model", "time", "github.com/cockroachdb/pebble/v2"),
		"bench/sim/a.go":          importing("gongji/engine", "gongji/api", "gongji/wal/waltest"),
		"wal/waltest/a.go":        importing("testing", "gongji/wal", "gongji/wal/memlog"),
		"wal/memlog/a_test.go":    importing("gongji/wal/waltest"),
	}, nil},
	{"up", Imports, one("engine/executor/a.go", importing("gongji/engine")), []string{"imports point down"}},
	{"sideways", Imports, one("engine/sequencer/a.go", importing("gongji/engine/journal")), []string{"imports point down"}},
	{"shard to command", Imports, one("shard/a.go", importing("gongji/engine/command")), []string{"imports point down"}},
	{"ledger to shard", Imports, one("engine/ledger/a.go", importing("gongji/shard")), []string{"imports point down"}},
	{"api to cmd", Imports, one("api/a.go", importing("gongji/cmd/gongji")), []string{"imports point down"}},
	{"log to ledger", Imports, one("wal/pebblelog/a.go", importing("gongji/engine/ledger")), []string{"log knows nothing"}},
	{"log to engine", Imports, one("wal/a.go", importing("gongji/engine", "gongji/shard", "gongji/api")), []string{"log knows", "log knows", "log knows"}},
	{"bench imported", Imports, one("engine/a.go", importing("gongji/bench/province")), []string{"only tests and cmd"}},
	{"shared suite in product code", Imports, one("wal/memlog/a.go", importing("gongji/wal/waltest")), []string{"only tests may"}},
	{"suite of no package", Imports, one("util/utiltest/a.go", importing("errors")), []string{"no package of design.md 9"}},
	{"unknown package", Imports, one("engine/util/a.go", importing("errors")), []string{"no package of design.md 9"}},
	{"unknown at the top", Imports, one("pkg/a_test.go", importing("errors")), []string{"no package of design.md 9"}},
	{"Pebble elsewhere", Imports, one("engine/sequencer/a.go", importing("github.com/cockroachdb/pebble/v2")), []string{"Pebble only"}},
	{"Pebble in the log contract", Imports, one("wal/a.go", importing("github.com/cockroachdb/pebble/v2/vfs")), []string{"Pebble only"}},
	{"fasthttp elsewhere", Imports, one("engine/a.go", importing("github.com/valyala/fasthttp/fasthttputil")), []string{"only api and cmd know"}},
	{"fasthttp in bench", Imports, one("bench/load/a.go", importing("github.com/valyala/fasthttp")), []string{"only api and cmd know"}},
	{"ledger is pure", Imports, one("engine/ledger/a.go", importing("time", "math/rand/v2", "os", "io/fs", "net", "sync", "bufio", "maps", "github.com/shopspring/decimal")),
		[]string{"time:", "rand/v2:", "os:", "io/fs:", "net:", "sync:", "bufio:", "maps:", "decimal:"}},

	{"documented", Docs, map[string]string{"wal/doc.go": "// Package wal is the log.\npackage wal", "wal/a.go": "package wal",
		"cmd/gongji/doc.go": "// Command gongji serves.\npackage main", "bench/x/a_test.go": "package x"}, nil},
	{"no doc.go", Docs, one("wal/a.go", "// Package wal is the log.\npackage wal"), []string{"no doc.go"}},
	{"no comment", Docs, one("wal/doc.go", "package wal"), []string{"does not begin"}},
	{"other name", Docs, one("wal/doc.go", "// Package walls is the log.\npackage wal"), []string{"does not begin"}},
	{"detached comment", Docs, one("wal/doc.go", "// Package wal is the log.\n\npackage wal"), []string{"does not begin"}},
	{"program as a package", Docs, one("cmd/gongji/doc.go", "// Package main serves.\npackage main"), nil},
	{"program of another name", Docs, one("cmd/gongji/doc.go", "// Command other serves.\npackage main"), []string{"does not begin"}},

	{"pure core", Forbidden, map[string]string{
		"engine/ledger/a.go":      body("func f(m map[int]int, s []int) (n int) { for range s { n++ }; for i := range 3 { n += m[i] }; return }"),
		"shard/a.go":              body("import \"time\"\nconst tick = time.Second\nfunc f() { go f() }"),
		"engine/ledger/a_test.go": body("import \"time\"\nvar x = time.Now()\nvar y float64 = 1.5\nfunc f(m map[int]int) { for range m {} }"),
		"engine/sequencer/a.go":   body("import \"time\"\nvar x = time.Now()"),
	}, nil},
	{"clock", Forbidden, one("engine/executor/a.go", body("import \"time\"\nvar x = time.Now()")), []string{"a.go:3: time.Now"}},
	{"clock under another name", Forbidden, one("shard/a.go", body("import clock \"time\"\nfunc f() { clock.Sleep(1) }")), []string{"time.Sleep"}},
	{"clock by dot", Forbidden, one("shard/a.go", body("import . \"time\"\nvar x = Now()")), []string{"dot import"}},
	{"random", Forbidden, one("shard/a.go", importing("math/rand", "math/rand/v2", "crypto/rand", "hash/maphash")), []string{"math/rand", "rand/v2", "crypto/rand", "maphash"}},
	{"mutex", Forbidden, one("shard/a.go", body("import \"sync\"\ntype s struct { sync.Mutex; r sync.RWMutex }")), []string{"sync.Mutex", "sync.RWMutex"}},
	{"float", Forbidden, map[string]string{"engine/ledger/a.go": body("func f(x float64) {}"), "engine/journal/a.go": body("var x float32"), "shard/a.go": body("const x = 1.5")},
		[]string{"float32", "float64", "constant 1.5"}},
	{"map order", Forbidden, one("engine/ledger/a.go", body("type book map[int]int\ntype s struct{ b book }\nfunc (x s) f() { for range x.b {} }")), []string{"a.go:4: range over a map"}},
	{"map order through std", Forbidden, one("engine/ledger/a.go", body("import \"strings\"\nfunc f(s string) { for range strings.Fields(s) {}; for range map[string]int{} {} }")), []string{"range over a map"}},
	{"map order behind a build tag", Forbidden, map[string]string{
		"engine/ledger/a.go": "//go:build !invariants\n\npackage p\nfunc f(m map[int]int) {}",
		"engine/ledger/b.go": "//go:build invariants\n\npackage p\nfunc f(m map[int]int) { for range m {} }"}, []string{"b.go:4: range over a map"}},
	{"unknown type", Forbidden, one("engine/ledger/a.go", body("func f() { for range nothing {} }")), []string{"does not type-check", "unknown type"}},
	{"goroutine", Forbidden, one("engine/ledger/a.go", body("func f(c chan int) { go f(c); select {} }")), []string{"goroutine", "goroutine", "goroutine"}},
}

func TestRulesCanFail(t *testing.T) {
	for _, c := range ruleCases {
		t.Run(c.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for path, src := range c.files {
				files[path] = &fstest.MapFile{Data: []byte(src)}
			}
			tree, err := Load(files, module)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c.rule(tree), c.want)
		})
	}
}

func compare(t *testing.T, got []Finding, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d findings %v, want %d %q", len(got), got, len(want), want)
	}
	for k, part := range want {
		if !strings.Contains(got[k].String(), part) {
			t.Errorf("finding %q, want %q in it", got[k], part)
		}
	}
}

func TestTopLevelCanFail(t *testing.T) {
	whole := []string{"go.mod", "go.sum", "Makefile", "README.md", ".ci/run", ".gitignore", "cmd/gongji/main.go", "engine/engine.go", "wal/doc.go", "shard/doc.go", "bench/doc.go", "api/doc.go"}
	all := func(string) bool { return true }
	compare(t, TopLevel(whole, all), nil)
	compare(t, TopLevel(whole[:3], all), nil)
	compare(t, TopLevel(append(whole, "docs/a.md", "docs/b.md", "main.go", "LICENSE"), all), []string{"LICENSE", "docs", "main.go"})
	compare(t, TopLevel(whole, func(name string) bool { return name == "go.mod" }), []string{"Makefile: is missing", "go.sum: is missing"})
}

func TestPinsCanFail(t *testing.T) {
	pebble, fasthttp := "github.com/cockroachdb/pebble/v2 v2.1.7", "github.com/valyala/fasthttp v1.77.0"
	compare(t, CheckPins(pebble+"\n"+fasthttp+"\n"), nil)
	compare(t, CheckPins(pebble+"\ngithub.com/valyala/fasthttp v1.76.0\n"), []string{"fasthttp: version \"v1.76.0\""})
	compare(t, CheckPins(fasthttp+"\n"), []string{"pebble/v2: version \"\""})
	compare(t, CheckPins(pebble+" replaced by ../pebble \n"+fasthttp), []string{"pebble/v2: version \"v2.1.7 replaced"})
}

func TestLoadSkipsAndFails(t *testing.T) {
	tree, err := Load(fstest.MapFS{"a/testdata/x.go": {Data: []byte("nonsense")}, ".h/x.go": {Data: []byte("nonsense")}, "a/a.go": {Data: []byte("package a")}}, module)
	if err != nil || len(tree.Files) != 1 {
		t.Fatalf("%v, %v", tree, err)
	}
	if _, err := Load(fstest.MapFS{"a/a.go": {Data: []byte("nonsense")}}, module); err == nil || !strings.Contains(err.Error(), "a.go") {
		t.Errorf("a broken file: %v", err)
	}
}

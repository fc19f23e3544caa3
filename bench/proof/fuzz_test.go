package proof

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	fuzzGreen = `fuzz: elapsed: 0s, gathering baseline coverage: 0/106 completed
fuzz: elapsed: 3s, gathering baseline coverage: 106/106 completed, now fuzzing with 1 workers
fuzz: elapsed: 6s, execs: 114 (10/sec), new interesting: 0 (total: 106)
fuzz: elapsed: 1m1s, execs: 58349 (943/sec), new interesting: 38 (total: 144)
PASS
ok  	example/rest	61.531s
`
	fuzzRed = `fuzz: elapsed: 3s, execs: 27651 (189/sec), new interesting: 253 (total: 415)
fuzz: minimizing 861-byte failing input file
fuzz: elapsed: 4s, minimizing
--- FAIL: FuzzBody (4.42s)
    --- FAIL: FuzzBody (0.00s)
        a_test.go:143: wrong
    
    Failing input written to testdata/fuzz/FuzzBody/dce083768f1f9812
    To re-run:
    go test -run=FuzzBody/dce083768f1f9812
FAIL
exit status 1
FAIL	example/rest	4.505s
`
)

// T19: what `go test -fuzz` prints becomes a line, and only a run that went to its end is green.
func TestParseFuzz(t *testing.T) {
	for _, c := range []struct {
		name, output string
		want         Fuzz
	}{
		{"green", fuzzGreen, Fuzz{Execs: 58349, New: 38, Total: 144, Took: 61 * time.Second}},
		{"red", fuzzRed, Fuzz{Target: "FuzzBody", Execs: 27651, New: 253, Total: 415, Took: 3 * time.Second, Failed: true, Input: "testdata/fuzz/FuzzBody/dce083768f1f9812"}},
		{"cut off", strings.Split(fuzzGreen, "PASS")[0], Fuzz{Execs: 58349, New: 38, Total: 144, Took: 61 * time.Second, Failed: true}},
		{"nothing fuzzed", "PASS\nok  \texample\t0.1s\n", Fuzz{Failed: true}},
		{"a seed fails", "--- FAIL: FuzzBody (0.01s)\n    --- FAIL: FuzzBody/seed#1 (0.00s)\nFAIL\n", Fuzz{Target: "FuzzBody", Failed: true}},
		{"does not build", "# example\n./a.go:1:1: expected 'package'\nFAIL\texample [build failed]\n", Fuzz{Failed: true}},
	} {
		if got := ParseFuzz(c.output); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestPrintFuzz(t *testing.T) {
	for _, c := range []struct {
		output string
		least  int64
		want   string
		errors int
	}{
		{fuzzGreen, 1000, `^T19 fuzz-body ok execs=58349 new=38 kept=144 fuzzed=1m1s time=\d+\.\ds$`, 0},
		{fuzzGreen, 60000, `^T19 fuzz-body RED execs=58349 `, 1},
		{fuzzRed, 1000, `^T19 fuzz-body RED `, 1},
		{"", 1, `^T19 fuzz-body RED `, 2},
	} {
		var r recorder
		PrintFuzz(&r, "body", time.Now(), ParseFuzz(c.output), c.least)
		if len(r.lines) != 1 || !regexp.MustCompile(c.want).MatchString(r.lines[0]) || len(r.errors) != c.errors {
			t.Errorf("%q %q", r.lines, r.errors)
		}
	}
}

// The plan's targets exist, and none is run with fewer inputs than there are seeds, some hundreds.
func TestFuzzPlan(t *testing.T) {
	t.Setenv(SizeVariable, "half")
	for _, f := range FuzzPlan() {
		if half := f.Of(); half.Execs != f.Execs/2 || half.Execs < 1000 || half.Least() < 900 || !slices.Contains(half.Args("d"), fmt.Sprintf("%dx", half.Execs)) {
			t.Errorf("%+v, half of it %+v: %v", f, half, half.Args("d"))
		}
		files, err := filepath.Glob("../../" + strings.TrimPrefix(f.Package, "gongji/") + "/*_test.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", f.Package, err)
		}
		found := false
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(text), "\nfunc "+f.Function+"(f *testing.F)")
		}
		if !found {
			t.Errorf("%s has no %s", f.Package, f.Function)
		}
	}
}

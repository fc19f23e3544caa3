package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPlan: each part names tests that exist, each line is printed by one of them, each promise has a test of the plan.
func TestPlan(t *testing.T) {
	known := map[string]bool{}
	for _, p := range plan {
		text := sources(t, filepath.Join("../..", p.dir))
		found := false
		name := regexp.MustCompile(p.run)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(text, -1) {
			found = found || name.MatchString(m[1])
		}
		if !found {
			t.Errorf("%s has no test %s", p.dir, p.run)
		}
		for _, l := range p.lines {
			if number, _, ok := strings.Cut(l, " "); !ok || !strings.Contains(text, `"`+number+`"`) {
				t.Errorf("%s prints no line %q", p.dir, l)
			}
			if known[l] {
				t.Errorf("%q is there twice", l)
			}
			known[l] = true
		}
	}
	for name := range trials {
		if !known[name] {
			t.Errorf("trials of %q, which is not in the plan", name)
		}
	}
}

func sources(t *testing.T, dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	return text.String()
}

func TestSummary(t *testing.T) {
	ok := result{lines: []string{"T12 replay ok time=1.0s", "T3 simulation ok ran=2000 time=2.0s"}}
	red := result{lines: []string{"T4 a RED lost=1 time=1.0s"}, red: "T4 a is red"}
	idle := result{lines: []string{"T10 power-cut NOT-RUN why=needs-root time=0.0s"}}
	for _, c := range []struct {
		name    string
		results []result
		all     bool
		green   bool
		holds   []string
	}{
		{"green", []result{ok}, true, true, []string{"T3 simulation ok ran=2000 time=2.0s\nT12 replay", "P14  replay                        T3 T12", "n=2000     below 0.15 %", "1 parts, 2 lines, 0 red, 0 not run"}},
		{"red", []result{ok, red}, false, false, []string{"RED: T4 a is red", "1 red"}},
		{"not run", []result{ok, idle}, false, true, []string{"NOT RUN: T10 power-cut", "1 not run"}},
		{"not run, all asked for", []result{ok, idle}, true, false, nil},
	} {
		var b bytes.Buffer
		if green := summarize(&b, "head", c.results, time.Second, c.all); green != c.green {
			t.Errorf("%s: green is %v", c.name, green)
		}
		for _, h := range c.holds {
			if !strings.Contains(b.String(), h) {
				t.Errorf("%s: no %q in\n%s", c.name, h, b.String())
			}
		}
	}
}

// TestPlay: a part whose line does not come is red, whatever go test says.
func TestPlay(t *testing.T) {
	p := part{dir: "bench/proof", run: "^TestOf$", lines: []string{"T3 nothing"}}
	if r := play(p, "half", 0); r.red != "T3 nothing told nothing" || len(r.output) == 0 {
		t.Errorf("%+v", r)
	}
	p.run, p.lines = "^TestLine$", nil
	if r := play(p, "half", 0); r.red != "" {
		t.Errorf("%+v\n%s", r, r.output)
	}
}

package rules

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gongji/engine/policy"
)

// counts of numbered rules in the documents, by letter.
var counts = map[string]int{"A": 8, "B": 11, "C": 13, "F": 9, "G": 4, "U": 5, "Q": 3, "I": 4, "P": 3, "M": 8, "N": 5, "D": 9, "L": 8, "X": 6, "K": 22, "16.": 10, "R": 31}

// TestTable: every number of the documents stands in the table once, with profiles that are shipped.
func TestTable(t *testing.T) {
	rules, err := Table()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range rules {
		letter := strings.TrimRight(r.Number, "0123456789")
		got[letter]++
		for _, p := range r.Profiles {
			if p != "all" && !slices.Contains(policy.Names, p) {
				t.Errorf("%s belongs to %q, which is not shipped", r.Number, p)
			}
		}
	}
	for letter, want := range counts {
		if got[letter] != want {
			t.Errorf("%d rules %s, want %d", got[letter], letter, want)
		}
	}
	if len(got) != len(counts) {
		t.Errorf("letters %v", got)
	}
}

// TestCover: a test counts by its comment; numbers that reliability.md uses too count only in a line of their own.
func TestCover(t *testing.T) {
	source := `package x
// TestA shows what U2 and K5 say, and promise P1.
func TestA(t *testing.T) {}
// Rules: P1, F2.
func TestB(t *testing.T) {}
// helper of R31 is no test.
func helper() {}
`
	rules, err := Table()
	if err != nil {
		t.Fatal(err)
	}
	if err := Cover(rules, fstest.MapFS{"x/x_test.go": {Data: []byte(source)}}, "gongji"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"U2": "x.TestA", "K5": "x.TestA", "P1": "x.TestB", "F2": "x.TestB"}
	for i := range rules {
		if got := strings.Join(rules[i].Tests, " "); got != want[rules[i].Number] {
			t.Errorf("%s has tests %q, want %q", rules[i].Number, got, want[rules[i].Number])
		}
	}
}

// TestRules prints the coverage of this repository: `make rules`. It fails when asked to (GONGJI_RULES=strict) and a rule owes a test.
func TestRules(t *testing.T) {
	rules, err := Table()
	if err != nil {
		t.Fatal(err)
	}
	if err := Cover(rules, os.DirFS("../.."), "gongji"); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	missing := Print(&out, rules)
	t.Log("\n" + out.String())
	if missing > 0 && os.Getenv("GONGJI_RULES") == "strict" {
		t.Errorf("%d rules owe a test", missing)
	}
}

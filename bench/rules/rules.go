package rules

import (
	_ "embed"
	"fmt"
	"go/ast"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"gongji/bench/layout"
)

//go:embed table.txt
var tableText string

// The classes of a rule.
const (
	Enforced = "enforced" // the ledger or the edge refuses what breaks it
	Recorded = "recorded" // kept and shown, judged by nobody
	Channel  = "channel"  // a step of an app or a hall
	Fact     = "fact"     // calls for nothing
)

// A Rule is one numbered rule of domain-rules.md (A1 ... X6, K1 ..., 16.1 ...) or decisions.md (R1 ...).
type Rule struct {
	Number, Class string
	Profiles      []string // "all" or names of shipped profiles
	Where         string   // knob, command or field; for channel the reason
	Tests         []string // package.TestName
}

// Missing reports whether a test is owed.
func (r *Rule) Missing() bool {
	return len(r.Tests) == 0 && (r.Class == Enforced || r.Class == Recorded)
}

// Table reads the list of rules, in the order of the documents.
func Table() ([]Rule, error) {
	var rules []Rule
	seen := map[string]bool{}
	for n, line := range strings.Split(strings.TrimSpace(tableText), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, " | ", 4)
		if len(f) != 4 || !slices.Contains([]string{Enforced, Recorded, Channel, Fact}, f[1]) || seen[f[0]] || f[3] == "" {
			return nil, fmt.Errorf("rules: line %d: %q", n+1, line)
		}
		seen[f[0]] = true
		rules = append(rules, Rule{Number: f[0], Class: f[1], Profiles: strings.Fields(f[2]), Where: f[3]})
	}
	return rules, nil
}

// citation is a rule's number in the comment of a test. F and P are numbers of reliability.md as well: there only a line "Rules: F8, P2" counts.
var (
	citation  = regexp.MustCompile(`\b(?:[ABCDGIKLMNQRUX][0-9]{1,2}|16\.[0-9]{1,2})\b`)
	ambiguous = regexp.MustCompile(`\b[FP][0-9]{1,2}\b`)
	ruleLine  = regexp.MustCompile(`(?m)^\s*Rules:.*$`)
)

// Cited are the numbers that a test's comment names.
func Cited(comment string) []string {
	numbers := citation.FindAllString(comment, -1)
	for _, line := range ruleLine.FindAllString(comment, -1) {
		numbers = append(numbers, ambiguous.FindAllString(line, -1)...)
	}
	return numbers
}

// Cover notes at each rule the tests below fsys whose comment cites it.
func Cover(rules []Rule, fsys fs.FS, module string) error {
	tree, err := layout.Load(fsys, module)
	if err != nil {
		return err
	}
	byNumber := map[string]*Rule{}
	for i := range rules {
		byNumber[rules[i].Number] = &rules[i]
	}
	for _, file := range tree.Files {
		if !file.Test {
			continue
		}
		for _, decl := range file.AST.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Doc == nil || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			name := file.Dir + "." + f.Name.Name
			note(byNumber, name, Cited(f.Doc.Text()))
		}
	}
	return coverScripts(byNumber, fsys)
}

// coverScripts notes the scripts of bench/scenario: their first line says which rules they show.
func coverScripts(byNumber map[string]*Rule, fsys fs.FS) error {
	scripts, err := fs.Glob(fsys, "bench/scenario/testdata/*.txt")
	if err != nil {
		return err
	}
	for _, script := range scripts {
		text, err := fs.ReadFile(fsys, script)
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		note(byNumber, "scenario/"+path.Base(script), Cited(strings.TrimPrefix(first, "# ")))
	}
	return nil
}

func note(byNumber map[string]*Rule, test string, numbers []string) {
	for _, number := range numbers {
		if r := byNumber[number]; r != nil && !slices.Contains(r.Tests, test) {
			r.Tests = append(r.Tests, test)
		}
	}
}

// Print writes the table and gives the number of rules that owe a test.
func Print(w io.Writer, rules []Rule) (missing int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "rule\tclass\tprofiles\twhere\ttests")
	for i := range rules {
		r := &rules[i]
		tests := strings.Join(r.Tests, " ")
		if r.Missing() {
			missing++
			tests = "NO TEST"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Number, r.Class, strings.Join(r.Profiles, " "), r.Where, tests)
	}
	t.Flush()
	fmt.Fprintf(w, "%d rules, %d without a test they owe\n", len(rules), missing)
	return missing
}

package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestScripts: every script comes out as it says in every shape, and is verified from zero.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "# Rules: ") {
				t.Error("the first line does not say which rules it shows")
			}
			steps, err := ParseScript(strings.NewReader(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			for _, shape := range Shapes {
				p, err := Start(t.TempDir(), shape)
				if err != nil {
					t.Fatal(err)
				}
				played := p.Play(steps)
				_, err = p.End()
				if played != nil || err != nil {
					t.Fatalf("%s: %v %v", shape.Name, played, err)
				}
			}
		})
	}
}

// TestScriptsFail: a script that says something else fails, at its line.
func TestScriptsFail(t *testing.T) {
	for script, want := range map[string]string{
		"person a employee balance 10.00\nsettle s a inscp 5.00 -> acct 5.01": "line 2",
		"person a employee\nbind a a -> accepted":                             "line 2",
		"person a employee\nsettle s b inscp 5.00":                            "nobody is called",
		"person a employee blue":                                              "not understood",
		"fly a":                                                               "no step",
		"person a employee balance 10.00\nbalance a -> 10.01":                 "10.00, want 10.01",
		"person a employee balance 10.00\nsettle s a inscp 5.00 refuse flag 0 -> acct 5.00":   "line 2",
		"person a employee balance 1.00\nsettle s a inscp 5.00 refuse -> accepted, acct 5.00": "short_of_funds",
	} {
		steps, err := ParseScript(strings.NewReader(script))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Start(t.TempDir(), Shapes[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Play(steps); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", script, err, want)
		}
		if _, err := p.End(); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{"-> accepted", "balance a ->"} {
		if _, err := ParseScript(strings.NewReader(script)); err == nil {
			t.Errorf("%q was read", script)
		}
	}
}

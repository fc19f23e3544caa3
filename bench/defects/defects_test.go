package defects

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gongji/bench/proof"
)

const moduleRoot = "../.."

// TestDefects (T20): every chosen defect is seen by its named tests within RedLimit, each of which is green without it. It runs only when asked
// (Variable): `make defects`, and three in rotation by CI.
func TestDefects(t *testing.T) {
	asked := os.Getenv(Variable)
	if asked == "" {
		return
	}
	commit := output(t, "git", "-c", "safe.directory=*", "rev-parse", "HEAD")
	chosen, err := pick(asked, commit)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d defects, asked for %q at commit %.12s", len(chosen), len(Table), asked, commit)
	r := &runner{root: moduleRoot, scratch: t.TempDir(), built: map[string]string{}, green: map[string]bool{}}
	line := proof.New("T20", "defects")
	red, slowest := 0, time.Duration(0)
	for _, d := range chosen {
		seen := true
		for _, s := range d.sightings() {
			took, err := r.see(d.Name, s)
			slowest = max(slowest, took)
			verdict := fmt.Sprintf("red after %.1fs", took.Seconds())
			if err != nil {
				t.Errorf("%s%s, %s %s: %v", TagPrefix, d.Name, s.Package, s.Run, err)
				seen, verdict = false, "NOT SEEN"
			}
			t.Logf("%-28s %-45s %s", TagPrefix+d.Name, s.Package+" "+unanchored(s.Run), verdict)
		}
		if seen {
			red++
		}
		if err := r.forget(d.Name); err != nil {
			t.Error(err)
		}
	}
	n := int64(len(chosen))
	line.Word("asked", asked).Word("commit", fmt.Sprintf("%.12s", commit)).AtLeast("tags", n, 1).AtLeast("red", int64(red), n).
		AtLeast("green", int64(len(r.green)), 1).Word("slowest", fmt.Sprintf("%.1fs", slowest.Seconds())).Print(t)
}

func unanchored(run string) string { return strings.NewReplacer("^", "", "$", "").Replace(run) }

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = moduleRoot
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return strings.TrimSpace(string(out))
}

// TestJudge: what is no red of the named test is not taken for one.
func TestJudge(t *testing.T) {
	s := Sighting{Run: "^TestA$", Says: "lost [0-9]+"}
	bang := s
	bang.Panics = true
	for _, c := range []struct {
		name string
		s    Sighting
		o    outcome
		want string
	}{
		{"red", s, outcome{failed: true, output: "--- FAIL: TestA (0.1s)\n a_test.go:1: lost 7"}, ""},
		{"green", s, outcome{output: "ok lost 7"}, "STAYS GREEN"},
		{"hidden", s, outcome{failed: true, output: "panic: test timed out after 5m0s\nlost 7"}, "hidden"},
		{"other test", s, outcome{failed: true, output: "--- FAIL: TestB (0.1s)\n lost 7"}, "not by TestA"},
		{"other words", s, outcome{failed: true, output: "--- FAIL: TestA (0.1s)\n boom"}, "does not say"},
		{"panic", s, outcome{failed: true, output: "--- FAIL: TestA (0.1s)\npanic: lost 7"}, "panicked true"},
		{"wanted panic", bang, outcome{failed: true, output: "--- FAIL: TestA (0.1s)\npanic: lost 7"}, ""},
		{"no panic", bang, outcome{failed: true, output: "--- FAIL: TestA (0.1s)\nlost 7"}, "panicked false"},
	} {
		if err := judge(c.s, c.o); err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPick(t *testing.T) {
	names := func(asked, commit string) string {
		chosen, err := pick(asked, commit)
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, d := range chosen {
			out = append(out, d.Name)
		}
		return strings.Join(out, " ")
	}
	if got := names("nosync, defect_unbind_late", ""); got != "nosync unbind_late" {
		t.Errorf("by name: %s", got)
	}
	if got := names("3", "00000016ffff"); got != Table[22].Name+" "+Table[23].Name+" "+Table[0].Name {
		t.Errorf("rotation from 22: %s", got)
	}
	if got := names("all", ""); strings.Count(got, " ") != len(Table)-1 {
		t.Errorf("all: %s", got)
	}
	begun := map[string]bool{}
	for i := range len(Table) {
		begun[names("1", fmt.Sprintf("%08x", 0xfedcba00+i))] = true
	}
	if len(begun) != len(Table) {
		t.Errorf("rotations begin with %d of %d defects", len(begun), len(Table))
	}
	for _, bad := range [][2]string{{"typo", ""}, {"0", "00000016"}, {"25", "00000016"}, {"3", "0000"}, {"3", "not a hash"}} {
		if _, err := pick(bad[0], bad[1]); err == nil {
			t.Errorf("%q was picked", bad)
		}
	}
}

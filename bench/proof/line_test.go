package proof

import (
	"fmt"
	"regexp"
	"testing"
)

// recorder is a test that only remembers.
type recorder struct {
	lines, errors []string
}

func (*recorder) Helper()                     {}
func (r *recorder) Logf(f string, a ...any)   { r.lines = append(r.lines, fmt.Sprintf(f, a...)) }
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) Failed() bool              { return len(r.errors) > 0 }

// reliability.md 3.2, rules 1 and 2.
func TestLine(t *testing.T) {
	for _, c := range []struct {
		name string
		line *Line
		want string
		errs int
	}{
		{"green", New("T4", "crash-clones").Seed(7).AtLeast("acked", 10, 10).Zero("lost", 0).Fault("fsync", 2).Fault("crash", 1).Fault("fsync", 3),
			`^T4 crash-clones ok seed=7 acked=10 lost=0 faults\{crash:1,fsync:5\} time=\d+\.\ds$`, 0},
		{"one lost", New("T4", "a").Zero("lost", 1), `^T4 a RED lost=1 time=`, 1},
		{"too few", New("T4", "a").AtLeast("acked", 9, 10), `^T4 a RED acked=9 time=`, 1},
		{"no fault", New("T5", "b").Fault("sync", 0).Fault("crash", 1), `^T5 b RED faults\{crash:1,sync:0\} time=`, 1},
	} {
		var r recorder
		c.line.Print(&r)
		if len(r.lines) != 1 || !regexp.MustCompile(c.want).MatchString(r.lines[0]) || len(r.errors) != c.errs {
			t.Errorf("%s: %q %q", c.name, r.lines, r.errors)
		}
	}
	var r recorder
	NotRun(&r, "T10", "power-cut", "needs root")
	if len(r.errors) != 0 || !regexp.MustCompile(`^T10 power-cut NOT-RUN why=needs-root time=`).MatchString(r.lines[0]) {
		t.Errorf("%q %q", r.lines, r.errors)
	}
}

func TestOf(t *testing.T) {
	for size, want := range map[string]int{"full": 3000, "half": 1500, "": 300} {
		t.Setenv(SizeVariable, size)
		if got := Of(3000); got != want || Of(1) != 1 || Asked() != (size != "") {
			t.Errorf("%q: %d, %v", size, got, Asked())
		}
	}
}

func TestSeed(t *testing.T) {
	if got := Seed(7); got != 7 {
		t.Error(got)
	}
	t.Setenv(SeedVariable, "1000")
	if got := Seed(7); got != 1007 {
		t.Error(got)
	}
}

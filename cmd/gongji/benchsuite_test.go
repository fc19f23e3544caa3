package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gongji/bench/report"
	"gongji/bench/result"
)

// TestTyped: a report says how it was made, and no path of the machine.
func TestTyped(t *testing.T) {
	got := typed([]string{"/a/b/gongji", "bench", "suite", "--json=/x/y/b.json", "--html", "/x/b.html", "--rounds=2"})
	if want := "gongji bench suite --json=b.json --html b.html --rounds=2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestBlocks: steps take turns, runs of a case come together, what is lacking is noted once, a failure ends the suite, and what was opened is closed.
func TestBlocks(t *testing.T) {
	var order []string
	step := func(name string, err error) benchStep {
		return benchStep{name, func(_ context.Context, round int) ([]result.Case, error) {
			order = append(order, fmt.Sprint(name, round))
			return []result.Case{{ID: name, Note: fmt.Sprint("round ", round), Runs: []result.Run{{Rate: float64(round)}}}}, err
		}}
	}
	closed := 0
	block := func(steps ...benchStep) benchBlock {
		return benchBlock{2, steps, func() error { closed++; return nil }}
	}
	var out bytes.Buffer
	r := &result.Report{}
	err := runBlocks(t.Context(), &out, r, []benchBlock{block(step("a", nil), step("lacks", fmt.Errorf("%w: no wrk", errNotHere)), step("b", nil)), block(step("c", nil))})
	if err != nil || strings.Join(order, " ") != "a0 lacks0 b0 a1 b1 c0 c1" || closed != 2 {
		t.Errorf("%v, %v, closed %d", err, order, closed)
	}
	if len(r.Cases) != 3 || len(r.Find("a").Runs) != 2 || r.Find("a").Note != "round 1" || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "no wrk") {
		t.Errorf("%+v", r)
	}
	order = nil
	broken := errors.New("broken")
	if err := runBlocks(t.Context(), &out, r, []benchBlock{block(step("x", broken), step("y", nil)), block(step("z", nil))}); !errors.Is(err, broken) || len(order) != 1 || closed != 3 {
		t.Errorf("%v, %v, closed %d", err, order, closed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := runBlocks(ctx, &out, r, []benchBlock{block(step("never", nil))}); err == nil || slices.Contains(order, "never0") || closed != 4 {
		t.Errorf("interrupted: %v, %v", err, order)
	}
}

// TestInProcessBlock: engine and ceilings run on a small world, with books that balance, shares of the ceilings, and nothing left behind.
func TestInProcessBlock(t *testing.T) {
	s := newBenchSettings(2000, 1, true)
	s.dir, s.rounds, s.calls, s.ceiling, s.log.For = t.TempDir(), 2, 4000, 5*time.Millisecond, 5*time.Millisecond
	r, err := newReport(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := runBlocks(t.Context(), &out, r, []benchBlock{s.inProcess()}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{report.CoreNational, report.CeilingLog, report.CeilingSegment, report.CeilingMemory, report.CeilingSharded, report.CeilingSync, report.BulkLoad} {
		if c := r.Find(id); c == nil || c.Rate() <= 0 || len(c.Runs) != 2 && id != report.BulkLoad {
			t.Errorf("%s: %+v", id, c)
		}
	}
	if b := r.Breaches(); len(b) > 0 {
		t.Errorf("breaches %q", b)
	}
	if c := r.Find(report.CoreNational); r.Share(c, report.CeilingLog) <= 0 || c.Runs[0].Mix.Postings < 0.8 || c.Runs[0].Disk.Ledger == 0 {
		t.Errorf("%+v", c)
	}
	if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRestartCase: a start that has not replayed its tail is no result.
func TestRestartCase(t *testing.T) {
	m := restartMeasured{Seconds: 2, Replayed: 1000, PerPerson: 90}
	if c := m.asCase(500, 1000); c.ID != "restart/500" || c.Rate() != 500 || len(c.Runs[0].Breaches) != 0 {
		t.Errorf("%+v", c)
	}
	if c := m.asCase(500, 1001); len(c.Runs[0].Breaches) != 1 {
		t.Errorf("%+v", c)
	}
	if c := m.asCase(500, 0); c.Rate() != 250 || c.Unit != "persons/s" {
		t.Errorf("%+v", c)
	}
}

// TestCompareExit: two good reports are compared; one that is none, or that left its bounds, is told by the exit code.
func TestCompareExit(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, breaches ...string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := report.Write(path, &result.Report{Cases: []result.Case{{ID: "a", Runs: []result.Run{{Rate: 1, Breaches: breaches}}}}}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad, none := write("good"), write("bad", "drift 7 %"), filepath.Join(dir, "none")
	if err := os.WriteFile(none, []byte(`{"format":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&benchCompareCmd{good, good}).Run(); err != nil {
		t.Error(err)
	}
	if err := (&benchCompareCmd{good, bad}).Run(); !errors.Is(err, exitError(1)) {
		t.Error(err)
	}
	if err := (&benchCompareCmd{none, good}).Run(); !errors.Is(err, report.ErrFormat) {
		t.Error(err)
	}
}

// TestFinish: files are written behind a breach too, the exit code tells of it; a missed aim alone is no failure.
func TestFinish(t *testing.T) {
	dir := t.TempDir()
	b := benchSuiteCmd{JSON: filepath.Join(dir, "r.json"), HTML: filepath.Join(dir, "r.html")}
	r := &result.Report{Cases: []result.Case{{ID: report.CoreNational, Runs: []result.Run{{Rate: 1}}}}}
	if err := b.finish(r); err != nil {
		t.Error(err)
	}
	if r.Aims[0].Met {
		t.Error("one settlement a second is enough")
	}
	r.Cases[0].Runs[0].Breaches = []string{"books"}
	if err := b.finish(r); !errors.Is(err, exitError(1)) {
		t.Error(err)
	}
	if back, err := report.Read(b.JSON); err != nil || len(back.Breaches()) != 1 {
		t.Errorf("%+v, %v", back, err)
	}
	if page, err := os.ReadFile(b.HTML); err != nil || !bytes.Contains(page, []byte("This is no result")) {
		t.Error("the page does not tell of the breach", err)
	}
}

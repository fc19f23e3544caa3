package report

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"gongji/bench/result"
)

// TestMannWhitney against values of the literature: full separation is 2/C(n+m,n), and the textbook example of permeability (Hollander and Wolfe,
// table 4.1, W = 35 of 10 and 5) has a one-sided 0.1272; with ties the distribution is that of the ranks at hand, counted here by hand.
func TestMannWhitney(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, 2.0 / 70},
		{[]float64{9, 8, 7, 6, 5}, []float64{1, 2, 3, 4, 0}, 2.0 / 252},
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, 2.0 / 20},
		{[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, []float64{1.15, 0.88, 0.90, 0.74, 1.21}, 2 * 0.1272},
		{[]float64{5, 5, 5, 5}, []float64{5, 5, 5, 5}, 1},
		{[]float64{1, 1}, []float64{1, 2}, 1},                     // two of four equal pairs lie at the observed sum or below
		{[]float64{1, 2, 2, 5}, []float64{2, 3, 4, 6}, 22.0 / 70}, // 11 subsets of the middle ranks 1 3 3 3 5 6 7 8 add up to at most 14; with lowest ranks it were 24
		{[]float64{1, 3, 5, 7}, []float64{2, 4, 6, 8}, 48.0 / 70}, // 24 subsets of 1..8 have a sum of at most 16
	} {
		if p := mannWhitney(c.a, c.b); math.Abs(p-c.want) > 5e-5 {
			t.Errorf("%v %v: p %.5f, want %.5f", c.a, c.b, p, c.want)
		}
		if p, q := mannWhitney(c.a, c.b), mannWhitney(c.b, c.a); math.Abs(p-q) > 1e-12 {
			t.Errorf("%v %v: p %.5f one way, %.5f the other", c.a, c.b, p, q)
		}
	}
	if mannWhitney(nil, []float64{1}) != -1 || mannWhitney(make([]float64, testRunsMax+1), []float64{1}) != -1 {
		t.Error("a side that cannot be tested")
	}
}

func caseOf(id string, rates ...float64) result.Case {
	c := result.Case{ID: id, Unit: "settlements/s"}
	for _, r := range rates {
		c.Runs = append(c.Runs, result.Run{Rate: r, Count: uint64(r), CPU: 1, Seconds: 1, Latency: &result.Latency{P99: 1e6 / r}, Disk: &result.Disk{PerSettlement: 200}})
	}
	return c
}

// TestCompare: what overlaps is noise, what is apart is named, facts that differ come first.
func TestCompare(t *testing.T) {
	old := &result.Report{Facts: result.Facts{Go: "go1.25", Cores: 2, SyncMicros: 60}, Cases: []result.Case{
		caseOf("overlaps", 100, 110, 120), caseOf("apart", 100, 110, 120), caseOf("slower", 100, 101, 102, 103), caseOf("tested", 100, 110, 120, 130), caseOf("gone", 1), caseOf("never")}}
	now := &result.Report{Facts: result.Facts{Go: "go1.26", Cores: 4, SyncMicros: 65}, Cases: []result.Case{
		caseOf("overlaps", 119, 140, 150), caseOf("apart", 121, 130, 140), caseOf("slower", 90, 91, 92, 93), caseOf("tested", 105, 115, 125, 135), caseOf("fresh", 1), caseOf("never")}}
	c := Compare(old, now)
	want := map[string]string{"overlaps": Noise, "apart": Faster, "slower": Slower, "tested": Noise, "never": Noise}
	if len(c.Cases) != len(want) {
		t.Fatalf("%d cases compared", len(c.Cases))
	}
	for _, d := range c.Cases {
		if d.Verdict != want[d.ID] {
			t.Errorf("%s: %s, want %s (%+v)", d.ID, d.Verdict, want[d.ID], d)
		}
	}
	if d := c.Cases[2]; math.Abs(d.P-2.0/70) > 1e-9 || d.Overlap || math.Abs(d.Ratio-91.0/101) > 1e-9 || d.OldByte != 200 {
		t.Errorf("%+v", d)
	}
	var text bytes.Buffer
	c.Print(&text)
	for _, part := range []string{"differs: Go: go1.25, now go1.26", "differs: cores: 2, now 4", "ranges overlap", "p = 0.029", "only in the old: gone", "only in the new: fresh"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is not in\n%s", part, &text)
		}
	}
	if strings.Contains(text.String(), "one sync") {
		t.Error("a sync of 60 and one of 65 us differ")
	}
	if first := strings.Index(text.String(), "differs"); first != 0 {
		t.Error("facts that differ do not come first")
	}
	if len(c.Breaches) != 0 {
		t.Errorf("breaches %q", c.Breaches)
	}
	now.Cases[0].Runs[1].Breaches = []string{"drift 7 %"}
	if c := Compare(old, now); len(c.Breaches) != 1 || !strings.Contains(c.Breaches[0], "new overlaps: drift 7 %") {
		t.Errorf("breaches %q", c.Breaches)
	}
}

// TestJudge: aims are met, missed or unknown by the cases there are.
func TestJudge(t *testing.T) {
	r := &result.Report{Cases: []result.Case{caseOf(CoreNational, 1_300_000), caseOf(CeilingLog, 3_000_000), caseOf(HTTP256, 80_000), caseOf(Echo256, 100_000),
		{ID: CeilingSync, Runs: []result.Run{{Latency: &result.Latency{P50: 100}}}}, {ID: HTTPHalf, Runs: []result.Run{{Latency: &result.Latency{P99: 2400, P999: 5000}}}},
		caseOf(Disk, 1), {ID: Monthly, Runs: []result.Run{{Mix: &result.Mix{Extra: map[string]float64{tillsRatio: 2.5}}}}},
		{ID: Restart10M, Runs: []result.Run{{Seconds: 7, Memory: &result.Memory{PerPerson: 90}}}}}}
	Judge(r)
	Judge(r) // again: nothing doubles
	if len(r.Aims) != len(aims) {
		t.Fatalf("%d aims of %d", len(r.Aims), len(aims))
	}
	for what, want := range map[string]string{"in process, durable": "met 1,300,000", "bare log's": "missed 43.3 %", "echo's": "met 80.0 %", "PostgreSQL's one": notMeasured, "open loop: p99": "met 2.40 ms of 2.50 ms",
		"restart": "missed 7.0 s", "memory a person": "met 90 B", "disk a settlement": "met 200 B", "device bytes": notMeasured, "tills' p99": "missed 2.5"} {
		for _, a := range r.Aims {
			if strings.Contains(a.What, what) {
				if got := verdict(&a) + " " + a.Got; !strings.HasPrefix(got, want) {
					t.Errorf("%s: %q, want %q", a.What, got, want)
				}
				what = ""
				break
			}
		}
		if what != "" {
			t.Errorf("no aim speaks of %q", what)
		}
	}
	r.Cases[0].Load.Persons = 20_000 // a small world proves no rate
	Judge(r)
	if a := r.Aims[0]; a.Met || a.Got != notMeasured {
		t.Errorf("a world of 20,000: %+v", a)
	}
}

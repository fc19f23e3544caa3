package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gongji/bench/result"
)

// Verdicts on a difference of two cases.
const (
	Noise  = "noise"
	Faster = "faster"
	Slower = "slower"
)

// A Difference is one case in two reports.
type Difference struct {
	ID, Unit         string
	Old, New         Spread  // of the rate
	Ratio            float64 // new over old median, 0 if the old one is 0
	Overlap          bool    // of the ranges
	P                float64 // of the Mann-Whitney U test; -1 with fewer than four runs on a side
	Verdict          string
	OldCPU, NewCPU   float64 // us a unit
	OldP99, NewP99   float64 // us
	OldByte, NewByte float64 // of disk a settlement
}

// A Comparison of two reports.
type Comparison struct {
	Facts    []string // that differ, in words: they may explain everything below
	Cases    []Difference
	OnlyOld  []string
	OnlyNew  []string
	Breaches []string // of either side: its figures are no result
}

// Compare two reports, case by case with the same ID.
func Compare(old, new *result.Report) Comparison {
	c := Comparison{Facts: differingFacts(&old.Facts, &new.Facts)}
	for i := range old.Cases {
		a := &old.Cases[i]
		if b := new.Find(a.ID); b != nil {
			c.Cases = append(c.Cases, difference(a, b))
		} else {
			c.OnlyOld = append(c.OnlyOld, a.ID)
		}
	}
	for i := range new.Cases {
		if old.Find(new.Cases[i].ID) == nil {
			c.OnlyNew = append(c.OnlyNew, new.Cases[i].ID)
		}
	}
	for _, b := range old.Breaches() {
		c.Breaches = append(c.Breaches, "old "+b)
	}
	for _, b := range new.Breaches() {
		c.Breaches = append(c.Breaches, "new "+b)
	}
	return c
}

func difference(a, b *result.Case) Difference {
	d := Difference{ID: a.ID, Unit: b.Unit, Old: spreadOf(a, rate), New: spreadOf(b, rate), P: -1}
	if d.Old.Median > 0 {
		d.Ratio = d.New.Median / d.Old.Median
	}
	d.Overlap = d.Old.Min <= d.New.Max && d.New.Min <= d.Old.Max
	real := !d.Overlap
	if min(len(a.Runs), len(b.Runs)) >= testRunsMin {
		d.P = mannWhitney(rates(a), rates(b))
		real = d.P >= 0 && d.P < significant
	}
	switch {
	case !real || d.Ratio == 1 || len(a.Runs) == 0 || len(b.Runs) == 0:
		d.Verdict = Noise
	case d.Ratio > 1:
		d.Verdict = Faster
	default:
		d.Verdict = Slower
	}
	d.OldCPU, d.NewCPU = a.Median(cpuMicros), b.Median(cpuMicros)
	d.OldP99, d.NewP99 = a.Median(p99), b.Median(p99)
	d.OldByte, d.NewByte = a.Median(diskBytes), b.Median(diskBytes)
	return d
}

func diskBytes(r *result.Run) float64 {
	if r.Disk == nil {
		return 0
	}
	return r.Disk.PerSettlement
}

func rates(c *result.Case) []float64 {
	out := make([]float64, len(c.Runs))
	for i := range c.Runs {
		out[i] = c.Runs[i].Rate
	}
	return out
}

// differingFacts names what differs between two machines or builds. Load and the time of a sync are measured, so they differ always: a factor of 1.5 is told.
func differingFacts(a, b *result.Facts) (out []string) {
	tell := func(name, old, new string) {
		if old != new {
			out = append(out, fmt.Sprintf("%s: %s, now %s", name, orNone(old), orNone(new)))
		}
	}
	tell("version", a.Version, b.Version)
	tell("Go", a.Go, b.Go)
	tell("cores", strconv.Itoa(a.Cores), strconv.Itoa(b.Cores))
	tell("CPU", a.CPU, b.CPU)
	tell("memory", size(float64(a.MemoryByte)), size(float64(b.MemoryByte)))
	tell("system", a.OS, b.OS)
	tell("kernel", a.Kernel, b.Kernel)
	tell("file system", a.Filesystem, b.Filesystem)
	names := slices.Sorted(maps.Keys(a.Modules))
	for _, m := range slices.Sorted(maps.Keys(b.Modules)) {
		if !slices.Contains(names, m) {
			names = append(names, m)
		}
	}
	for _, m := range names {
		tell(m, a.Modules[m], b.Modules[m])
	}
	if r := b.SyncMicros / a.SyncMicros; r > 1.5 || r < 1/1.5 {
		tell("one sync", micros(a.SyncMicros), micros(b.SyncMicros))
	}
	if a.LoadBefore > 1 || b.LoadBefore > 1 {
		out = append(out, fmt.Sprintf("load before: %.1f, now %.1f: a busy machine says little", a.LoadBefore, b.LoadBefore))
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

// Print writes a comparison: what differs in the machines first, then a line a case.
func (c Comparison) Print(w io.Writer) {
	for _, f := range c.Facts {
		fmt.Fprintln(w, "differs: "+f)
	}
	printBreaches(w, c.Breaches)
	g := newGrid("case", ">old", ">new", ">ratio", "verdict", ">CPU", ">p99", ">bytes")
	g.limits = map[int]int{0: 27}
	for i := range c.Cases {
		d := &c.Cases[i]
		v := d.Verdict
		if d.P >= 0 {
			v += fmt.Sprintf("\np = %.3f", d.P)
		} else if d.Overlap {
			v += "\nranges overlap"
		}
		g.add(d.ID+"\n"+d.Unit, strings.TrimSpace(number(d.Old.Median)+"\n"+d.Old.bounds()), strings.TrimSpace(number(d.New.Median)+"\n"+d.New.bounds()), times(d.Ratio), v,
			change(d.OldCPU, d.NewCPU), change(d.OldP99, d.NewP99), change(d.OldByte, d.NewByte))
	}
	section(w, "cases: median [range] of the rate, new over old; CPU and disk bytes of a unit and p99 as new over old", g)
	for _, only := range []struct {
		what string
		ids  []string
	}{{"only in the old", c.OnlyOld}, {"only in the new", c.OnlyNew}} {
		if len(only.ids) > 0 {
			fmt.Fprintln(w, strings.Join(wrap(only.what+": "+strings.Join(only.ids, ", "), lineMax), "\n"))
		}
	}
}

// change of a figure, none if a side has not measured it.
func change(old, new float64) string {
	if old <= 0 || new <= 0 {
		return none
	}
	return times(new / old)
}

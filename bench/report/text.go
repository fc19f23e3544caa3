package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gongji/bench/result"
)

// Print writes a report as tables of at most 120 columns.
func Print(w io.Writer, r *result.Report) {
	fmt.Fprintln(w, headline(&r.Facts))
	fmt.Fprintf(w, "made %s by: %s\n", r.Made.Format("2006-01-02 15:04 MST"), r.Command)
	printBreaches(w, r.Breaches())
	section(w, "rates: median of the runs, range, CPU of a unit, latency", casesGrid(r))
	section(w, "mix: of accepted settlements; contested and serial of commands", mixGrid(r))
	section(w, "stages: where a command's time goes", stageGrid(r))
	section(w, "memory", memoryGrid(r))
	section(w, "disk", diskGrid(r))
	section(w, "aims", aimsGrid(r.Aims))
	printNotes(w, r)
}

func headline(f *result.Facts) string {
	parts := []string{"gongji " + f.Version, f.Go, f.CPU, plural(f.Cores, "core"), size(float64(f.MemoryByte)) + " memory", f.OS, f.Kernel,
		f.Filesystem, "one sync " + micros(f.SyncMicros), fmt.Sprintf("load before %.1f", f.LoadBefore)}
	for _, m := range slices.Sorted(maps.Keys(f.Modules)) {
		parts = append(parts, shortModule(m)+" "+f.Modules[m])
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(wrap(strings.Join(parts, ", "), lineMax), "\n")
}

// shortModule is the last name of a module's path that is no version.
func shortModule(path string) string {
	parts := strings.Split(path, "/")
	if n := len(parts); n > 1 && strings.HasPrefix(parts[n-1], "v") && len(parts[n-1]) <= 3 {
		parts = parts[:n-1]
	}
	return parts[len(parts)-1]
}

func section(w io.Writer, title string, g *grid) {
	if len(g.rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n== %s\n", title)
	g.print(w)
}

func printBreaches(w io.Writer, breaches []string) {
	if len(breaches) == 0 {
		return
	}
	fmt.Fprintln(w, "\nTHIS IS NO RESULT:")
	for _, b := range breaches {
		fmt.Fprintln(w, strings.Join(wrap("  "+b, lineMax), "\n"))
	}
}

func casesGrid(r *result.Report) *grid {
	g := newGrid("case", ">rate", "[min-max]", "unit", ">CPU", ">p50", ">p99", ">p99.9")
	for i := range r.Cases {
		c := &r.Cases[i]
		s := spreadOf(c, rate)
		g.add(c.ID, number(s.Median), s.bounds(), c.Unit, micros(c.Median(cpuMicros)), micros(c.Median(p50)), micros(c.Median(p99)), micros(c.Median(p999)))
		if of := shares(r, c); len(of) > 0 {
			g.add("= " + strings.Join(of, ", "))
		}
	}
	return g
}

// shares of a case of its ceilings in the report, in words.
func shares(r *result.Report, c *result.Case) (out []string) {
	for _, of := range c.Ceilings {
		if share := r.Share(c, of.ID); share > 0 {
			out = append(out, percent(share)+" "+of.What)
		}
	}
	return out
}

func mixGrid(r *result.Report) *grid {
	g := newGrid("case", ">postings", ">relatives", ">all cash", ">contested", ">serial", ">drift", "refused, calls, others")
	g.limits = map[int]int{7: 30}
	for i := range r.Cases {
		c := &r.Cases[i]
		for k := range c.Runs {
			m := c.Runs[k].Mix
			if m == nil {
				continue
			}
			g.add(c.ID, fmt.Sprintf("%.2f", m.Postings), percent(m.Relatives), percent(m.AllCash), percent(m.Contested), percent(m.Serial), percent(m.Drift), others(m))
			break // the bands hold for every run; a run outside them is a breach
		}
	}
	return g
}

// others are the open parts of a mix: outcomes, calls, further figures.
func others(m *result.Mix) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m.Refused)) {
		parts = append(parts, fmt.Sprintf("refused %s %s", name, thousands(int64(m.Refused[name]))))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Calls)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, thousands(int64(m.Calls[name]))))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Extra)) {
		parts = append(parts, name+" "+number(m.Extra[name]))
	}
	return strings.Join(parts, ", ")
}

func stageGrid(r *result.Report) *grid {
	g := newGrid("case", "stage", ">mean", ">p50", ">p90", ">p99", ">p99.9")
	for i := range r.Cases {
		c := &r.Cases[i]
		name := c.ID
		for _, stage := range stages(c) {
			of := func(point func(*result.Latency) float64) string { return micros(stageOf(c, stage, point)) }
			g.add(name, stage, of(func(l *result.Latency) float64 { return l.Mean }), of(func(l *result.Latency) float64 { return l.P50 }),
				of(func(l *result.Latency) float64 { return l.P90 }), of(func(l *result.Latency) float64 { return l.P99 }), of(func(l *result.Latency) float64 { return l.P999 }))
			name = ""
		}
	}
	return g
}

func memoryGrid(r *result.Report) *grid {
	g := newGrid("case", ">process", ">a person", ">collections", ">GC pause p99", ">longest", ">GC's CPU")
	for i := range r.Cases {
		for k := range r.Cases[i].Runs {
			if m := r.Cases[i].Runs[k].Memory; m != nil {
				g.add(r.Cases[i].ID, size(float64(m.Process)), size(m.PerPerson), thousands(int64(m.GCCount)), micros(m.GCPause99), micros(m.GCPauseMX), percent(m.GCCPU))
				break
			}
		}
	}
	return g
}

func diskGrid(r *result.Report) *grid {
	g := newGrid("case", ">ledger", ">a settlement", ">written to the device", ">encoded commands", ">written a byte of command")
	for i := range r.Cases {
		for k := range r.Cases[i].Runs {
			if d := r.Cases[i].Runs[k].Disk; d != nil {
				ratio := 0.0
				if d.Commands > 0 {
					ratio = float64(d.Device) / float64(d.Commands)
				}
				g.add(r.Cases[i].ID, size(float64(d.Ledger)), size(d.PerSettlement), size(float64(d.Device)), size(float64(d.Commands)), times(ratio))
				break
			}
		}
	}
	return g
}

func aimsGrid(aims []result.Aim) *grid {
	g := newGrid("what", "at least", "got", ">part", "met")
	g.limits = map[int]int{0: 46, 1: 24, 2: 23, 4: 14}
	for _, a := range aims {
		part := none
		if a.Ratio > 0 {
			part = percent(a.Ratio)
		}
		g.add(a.What, a.Least, a.Got, part, verdict(&a))
	}
	return g
}

// verdict of an aim: met, missed, or why nothing can be said.
func verdict(a *result.Aim) string {
	word := "missed"
	switch {
	case a.Met:
		return "met"
	case a.Got == notMeasured:
		word = notMeasured
	}
	if a.Reason != "" {
		word += ": " + a.Reason
	}
	return word
}

func printNotes(w io.Writer, r *result.Report) {
	var notes []string
	for i := range r.Cases {
		c := &r.Cases[i]
		for _, text := range []string{c.Note, c.Profile} {
			if text != "" {
				notes = append(notes, c.ID+": "+text)
			}
		}
	}
	if notes = append(notes, r.Notes...); len(notes) == 0 {
		return
	}
	fmt.Fprintln(w, "\n== notes")
	for _, n := range notes {
		fmt.Fprintln(w, strings.Join(wrap(n, lineMax), "\n"))
	}
}

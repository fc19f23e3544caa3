package load

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"gongji/bench/result"
)

// PrintHead writes the header of what Print writes.
func PrintHead(w io.Writer) {
	fmt.Fprintf(w, "%-24s %12s %8s %8s %8s %9s %9s %9s %9s %6s %6s %6s %6s %8s %7s %7s\n", "workload", "rate/s", "us CPU", "us CPU", "batch", "p50 ms", "p99 ms", "p99.9 ms", "max ms",
		"post.", "aid %", "cash %", "sev. %", "contest%", "drift%", "B/setl")
	fmt.Fprintf(w, "%-24s %12s %8s %8s\n", "", "", "a call", "a setl")
}

// Print writes a line for each run of a case, the median rate, and what is wrong.
func Print(w io.Writer, c *result.Case) {
	for i := range c.Runs {
		r := &c.Runs[i]
		settled := float64(max(1, r.Mix.Calls[callNames[CallSettlement]]))
		fmt.Fprintf(w, "%-24s %12.0f %8.2f %8.2f %8.0f %9.2f %9.2f %9.2f %9.2f %6.3f %6.2f %6.2f %6.2f %8.2f %+7.2f %7.0f\n", c.Name[:min(24, len(c.Name))], r.Rate, 1e6*r.CPU/float64(max(1, r.Count)), 1e6*r.CPU/settled,
			r.Batches.Commands, r.Latency.P50/1e3, r.Latency.P99/1e3, r.Latency.P999/1e3, r.Latency.Max/1e3, r.Mix.Postings, 100*r.Mix.Relatives, 100*r.Mix.AllCash, 100*r.Mix.Extra[extraSeveral],
			100*r.Mix.Contested, 100*r.Mix.Drift, r.Disk.PerSettlement)
	}
	last := &c.Runs[len(c.Runs)-1]
	fmt.Fprintf(w, "  median %.0f %s; %s", c.Rate(), c.Unit, loadText(&c.Load))
	for _, s := range last.Stages {
		fmt.Fprintf(w, "; %s p50 %.2f p99 %.2f ms", s.Name, s.Latency.P50/1e3, s.Latency.P99/1e3)
	}
	fmt.Fprintf(w, "\n  calls %s", counted(last.Mix.Calls))
	fmt.Fprintf(w, "\n  memory %d MiB, %.0f bytes a person; %d collections, pause p99 %.0f us, %.1f %% of CPU; written %.1f x the commands' bytes", last.Memory.Process>>20, last.Memory.PerPerson,
		last.Memory.GCCount, last.Memory.GCPause99, 100*last.Memory.GCCPU, float64(last.Disk.Device)/float64(max(1, last.Disk.Commands)))
	for _, name := range [...]string{extraCalls, extraAlone, extraBeside, extraRatio, extraRunCredit, extraLateP99, extraLateMax, extraBusy} {
		if v, ok := last.Mix.Extra[name]; ok {
			fmt.Fprintf(w, "; %s %.2f", name, v)
		}
	}
	fmt.Fprintln(w)
	for i := range c.Runs {
		for _, text := range c.Runs[i].Breaches {
			fmt.Fprintf(w, "  BREACH in run %d: %s\n", i+1, text)
		}
	}
}

func loadText(l *result.Load) string {
	text := fmt.Sprintf("%s loop, %d persons, %d workers, %d a request", l.Loop, l.Persons, l.Workers, l.Group)
	if l.Rate > 0 {
		text += fmt.Sprintf(", %.0f/s", l.Rate)
	}
	return text
}

func counted(calls map[string]uint64) string {
	var out []string
	for name, n := range calls {
		out = append(out, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// PrintList writes what workloads there are.
func PrintList(w io.Writer) {
	for _, x := range Workloads {
		fmt.Fprintf(w, "%s (%s)\n  %s\n", x.Name, x.Unit, x.Text)
		b := &x.Bands
		fmt.Fprintf(w, "  bands: postings a settlement %s, using authorizers %s, all cash %s, several postings %s, contested %s, drift %s\n\n", b.Postings, b.Relatives, b.Cash, b.Several, b.Contested, b.Drift)
	}
}

// String is the band as shares.
func (b Band) String() string { return fmt.Sprintf("%g to %g", b.Low, b.High) }

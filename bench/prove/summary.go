package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// summarize writes what a run came to. It reports whether all is green; with all set, what was not run is not.
func summarize(w io.Writer, head string, results []result, took time.Duration, all bool) (green bool) {
	var lines, reds, idle []string
	for _, r := range results {
		lines = append(lines, r.lines...)
		if r.red != "" {
			reds = append(reds, r.red)
		}
		idle = append(idle, skipped(r.lines)...)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return number(a) - number(b) })
	fmt.Fprintf(w, "%s\n\n", head)
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	fmt.Fprint(w, "\nPromises (reliability.md 2) and the tests of this run that hold them\n")
	for _, p := range promises {
		fmt.Fprintf(w, "%-4s %-29s %s\n", p.id, p.name, strings.Join(held(p, lines), " "))
	}
	fmt.Fprint(w, "\nWhat it proves: 0 failures in n independent trials is a rate below 3/n at 95 %, not never\n")
	for _, l := range lines {
		m := printed.FindStringSubmatch(l)
		n, err := strconv.ParseFloat(figure(l, trials[m[1]]), 64)
		if err == nil && n > 0 && m[2] == "ok" {
			fmt.Fprintf(w, "%-24s n=%-8.0f below %.3g %%\n", m[1], n, 300/n)
		}
	}
	for _, r := range reds {
		fmt.Fprintln(w, "RED:", r)
	}
	for _, name := range idle {
		fmt.Fprintln(w, "NOT RUN:", name)
	}
	fmt.Fprintf(w, "\n%d parts, %d lines, %d red, %d not run, %.0f s\n", len(results), len(lines), len(reds), len(idle), took.Seconds())
	return len(reds) == 0 && (len(idle) == 0 || !all)
}

// held are the tests of a promise that said ok, the others in brackets.
func held(p promise, lines []string) (tests []string) {
	for _, t := range p.tests {
		found := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, t+" ") && printed.FindStringSubmatch(l)[2] == "ok" })
		if !found {
			t = "(" + t + ")"
		}
		tests = append(tests, t)
	}
	return tests
}

// number orders lines: T3 before T12.
func number(line string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(strings.Fields(line)[0], "T"))
	return n
}

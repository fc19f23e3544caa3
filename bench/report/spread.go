package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gongji/bench/result"
)

// Spread of a figure over the runs of a case.
type Spread struct{ Median, Min, Max float64 }

func spreadOf(c *result.Case, of func(*result.Run) float64) Spread {
	if len(c.Runs) == 0 {
		return Spread{}
	}
	s := Spread{Median: c.Median(of), Min: math.Inf(1), Max: math.Inf(-1)}
	for i := range c.Runs {
		v := of(&c.Runs[i])
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	}
	return s
}

// bounds are "[min-max]", nothing for one run.
func (s Spread) bounds() string {
	if s.Min == s.Max {
		return ""
	}
	return "[" + short(s.Min) + "-" + short(s.Max) + "]"
}

func rate(r *result.Run) float64 { return r.Rate }

// cpuMicros is the processor time of one of the case's units.
func cpuMicros(r *result.Run) float64 {
	if r.Count == 0 {
		return 0
	}
	return 1e6 * r.CPU / float64(r.Count)
}

// latency gives a point of a run's latency, 0 without one.
func latency(of func(*result.Latency) float64) func(*result.Run) float64 {
	return func(r *result.Run) float64 {
		if r.Latency == nil {
			return 0
		}
		return of(r.Latency)
	}
}

var (
	p50  = latency(func(l *result.Latency) float64 { return l.P50 })
	p99  = latency(func(l *result.Latency) float64 { return l.P99 })
	p999 = latency(func(l *result.Latency) float64 { return l.P999 })
)

// oneOf is what a rate counts: "settlement" of "settlements/s".
func oneOf(unit string) string {
	name, _, _ := strings.Cut(unit, "/")
	return strings.TrimSuffix(name, "s")
}

// loadText says in words how a case was driven.
func loadText(c *result.Case) string {
	l := &c.Load
	var parts []string
	switch {
	case l.Loop == "open" && l.Rate > 0:
		parts = append(parts, "open loop at "+number(l.Rate)+" a second")
	case l.Loop != "":
		parts = append(parts, l.Loop+" loop")
	}
	for _, p := range []struct {
		n    int
		what string
	}{{l.Persons, "person"}, {l.Workers, "worker"}, {l.Connections, "connection"}, {l.Processes, "load process"}, {l.Shards, "shard"}} {
		if p.n > 0 {
			parts = append(parts, strings.Replace(plural(p.n, p.what), "processs", "processes", 1))
		}
	}
	if l.Group > 1 {
		parts = append(parts, thousands(int64(l.Group))+" a request")
	}
	if l.Pipeline > 1 {
		parts = append(parts, thousands(int64(l.Pipeline))+" requests pipelined")
	}
	if c.Workload != "" {
		parts = append(parts, "workload "+c.Workload)
	}
	if n := len(c.Runs); n > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s s", plural(n, "run"), number(c.Median(func(r *result.Run) float64 { return r.Seconds }))))
	}
	return strings.Join(parts, ", ")
}

// stages names those of a case in the order in which a command goes through them.
func stages(c *result.Case) (names []string) {
	for i := range c.Runs {
		for k := range c.Runs[i].Stages {
			if n := c.Runs[i].Stages[k].Name; !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	order := []string{"queue", "log", "open", "execute", "reply"}
	at := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(names, func(a, b string) int { return at(a) - at(b) })
	return names
}

// stageOf is the median over the runs of a point of a stage.
func stageOf(c *result.Case, name string, of func(*result.Latency) float64) float64 {
	return c.Median(func(r *result.Run) float64 {
		for i := range r.Stages {
			if r.Stages[i].Name == name {
				return of(&r.Stages[i].Latency)
			}
		}
		return 0
	})
}

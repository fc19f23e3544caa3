package wire

import (
	"fmt"
	"strings"

	"gongji/bench/result"
)

// Head is the line above those of Line.
func Head() string {
	return fmt.Sprintf("%-28s %-18s %11s %9s %9s %9s %8s %7s %6s %6s %6s", "case", "unit", "rate", "p50 us", "p99 us", "p99.9 us", "CPU us", "client", "post.", "aid", "cash")
}

// Line tells a case in one line, medians of its runs: CPU is the server's a unit, client the load generator's share of all CPU time of both.
func Line(c *result.Case) string {
	var b strings.Builder
	latency := func(of func(*result.Latency) float64) float64 {
		return c.Median(func(r *result.Run) float64 {
			if r.Latency == nil {
				return 0
			}
			return of(r.Latency)
		})
	}
	fmt.Fprintf(&b, "%-28s %-18s %11.0f %9.0f %9.0f %9.0f %8.2f", c.ID, c.Unit, c.Rate(), latency(func(l *result.Latency) float64 { return l.P50 }),
		latency(func(l *result.Latency) float64 { return l.P99 }), latency(func(l *result.Latency) float64 { return l.P999 }),
		c.Median(func(r *result.Run) float64 { return 1e6 * r.CPU / float64(max(1, r.Count)) }))
	if len(c.Runs) > 0 && c.Runs[0].Mix != nil {
		mix := func(of func(*result.Mix) float64) float64 {
			return c.Median(func(r *result.Run) float64 { return of(r.Mix) })
		}
		client := c.Median(func(r *result.Run) float64 {
			return r.Mix.Extra["client_cpu_s"] / max(r.CPU+r.Mix.Extra["client_cpu_s"], 0.01)
		})
		fmt.Fprintf(&b, " %6.0f%% %6.2f %5.1f%% %5.1f%%", 100*client, mix(func(m *result.Mix) float64 { return m.Postings }),
			100*mix(func(m *result.Mix) float64 { return m.Relatives }), 100*mix(func(m *result.Mix) float64 { return m.AllCash }))
	}
	for _, r := range c.Runs {
		for _, text := range r.Breaches {
			fmt.Fprintf(&b, "\n  BREACH: %s", text)
		}
	}
	return b.String()
}

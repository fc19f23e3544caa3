package report

import (
	"math"
	"strconv"
)

// A tick of an axis; one without a label is only a faint line.
type tick struct {
	at    float64
	label string
}

// axis maps values to the share of its length, 0 to 1.
type axis struct {
	low, high float64
	log       bool
	ticks     []tick
	grid      bool   // lines across the plot at labels, of an x axis
	title     string // with its unit
}

func (a *axis) place(v float64) float64 {
	if a.log {
		return (math.Log10(v) - math.Log10(a.low)) / (math.Log10(a.high) - math.Log10(a.low))
	}
	return (v - a.low) / (a.high - a.low)
}

// holds tells whether a value can be drawn.
func (a *axis) holds(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.log || v > 0)
}

// step is 1, 2 or 5 times a power of ten, at least span/count.
func step(span float64, count int) float64 {
	rough := span / float64(count)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// fromZero is a linear axis from 0 to above high with about count ticks: what does not begin at 0 exaggerates.
func fromZero(title string, high float64, count int, label func(float64) string) axis {
	if math.IsNaN(high) || math.IsInf(high, 0) || high <= 0 {
		high = 1
	}
	s := step(high, count)
	n := int(math.Ceil(high/s - 1e-9))
	a := axis{high: float64(n) * s, title: title}
	for i := range n + 1 {
		a.ticks = append(a.ticks, tick{float64(i) * s, label(float64(i) * s)})
	}
	return a
}

// upTo is a linear axis that ends at high, with ticks below: for time, which ends where a run ends.
func upTo(title string, high float64, count int) axis {
	a := fromZero(title, high, count, func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) })
	if high > 0 && !math.IsInf(high, 0) {
		a.high = high
		for len(a.ticks) > 1 && a.ticks[len(a.ticks)-1].at > high*1.0001 {
			a.ticks = a.ticks[:len(a.ticks)-1]
		}
	}
	return a
}

// logarithmic is an axis over decades; low and high are widened to 1, 2 or 5 times a power of ten. Over less than three decades 2 and 5 have labels too.
func logarithmic(title string, low, high float64, label func(float64) string) axis {
	if !(low > 0) || math.IsInf(high, 0) || !(high >= low) {
		low, high = 1, 10
	}
	a := axis{log: true, title: title, low: below125(low), high: above125(high)}
	if a.high <= a.low {
		a.high = a.low * 10
	}
	decades := math.Log10(a.high / a.low)
	for power := math.Pow(10, math.Floor(math.Log10(a.low)+1e-9)); power <= a.high*1.0001; power *= 10 {
		for _, m := range []float64{1, 2, 5} {
			v := m * power
			if v < a.low*0.9999 || v > a.high*1.0001 {
				continue
			}
			t := tick{at: v}
			if m == 1 || decades < 3 {
				t.label = label(v)
			}
			a.ticks = append(a.ticks, t)
		}
	}
	return a
}

func below125(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{5, 2} {
		if v >= m*power*(1-1e-9) {
			return m * power
		}
	}
	return power
}

func above125(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// microsTick is a tick's time without needless digits: 200 µs, 1 ms, 5 s.
func microsTick(us float64) string {
	trim := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	switch {
	case us < 999:
		return trim(us) + " µs"
	case us < 999_000:
		return trim(us/1e3) + " ms"
	}
	return trim(us/1e6) + " s"
}

// quantileAxis is that of an HDR plot: as far from the last tick as the quantile has nines. nines is how far it goes.
func quantileAxis(nines float64) axis {
	a := axis{high: max(1, nines), grid: true, title: "share of all answers that came sooner"}
	a.ticks = []tick{{0, "0"}}
	for _, q := range []float64{50, 90, 99, 99.9, 99.99, 99.999} {
		if at := ninesOf(q / 100); at <= a.high+1e-6 {
			a.ticks = append(a.ticks, tick{at, strconv.FormatFloat(q, 'g', 6, 64) + " %"})
		}
	}
	return a
}

// ninesOf a quantile: 1 for 0.9, 2 for 0.99.
func ninesOf(q float64) float64 { return -math.Log10(1 - q) }

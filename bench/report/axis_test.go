package report

import (
	"math"
	"strings"
	"testing"
)

// TestAxes: ticks are 1, 2 or 5 times a power of ten, few and within the axis; every drawable value lies on it.
func TestAxes(t *testing.T) {
	for _, high := range []float64{0.003, 0.9, 1, 1.01, 7, 12, 99.5, 1234567, 3.2e9} {
		for name, a := range map[string]axis{"from zero": fromZero("", high, 4, short), "up to": upTo("", high, 6), "log": logarithmic("", high/3000, high, microsTick), "short log": logarithmic("", high, high, microsTick)} {
			if n := len(a.ticks); n < 2 || n > 14 {
				t.Errorf("%s %g: %d ticks", name, high, n)
			}
			labels := map[string]bool{}
			for _, k := range a.ticks {
				if p := a.place(k.at); p < -1e-6 || p > 1+1e-6 {
					t.Errorf("%s %g: tick %g at %g", name, high, k.at, p)
				}
				if k.label != "" && labels[k.label] {
					t.Errorf("%s %g: %q twice", name, high, k.label)
				}
				labels[k.label] = true
			}
			if p := a.place(high); p < 0 || p > 1+1e-6 {
				t.Errorf("%s: %g lies at %g", name, high, p)
			}
		}
		s := step(high, 4)
		digit := s / math.Pow(10, math.Floor(math.Log10(s)+1e-9))
		if math.Abs(digit-1) > 1e-6 && math.Abs(digit-2) > 1e-6 && math.Abs(digit-5) > 1e-6 {
			t.Errorf("step %g of %g", s, high)
		}
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		fromZero("", bad, 4, short)
		logarithmic("", bad, bad, microsTick)
	}
	if x := quantileAxis(4); math.Abs(x.place(ninesOf(0.9999))-1) > 1e-9 || x.ticks[len(x.ticks)-1].label != "99.99 %" {
		t.Errorf("%+v", x)
	}
}

// TestUnits: figures are written as a reader expects them.
func TestUnits(t *testing.T) {
	for got, want := range map[string]string{
		number(1234567): "1,234,567", number(-1234): "-1,234", number(0): "0", number(1.5): "1.50", number(42.25): "42.2", number(math.NaN()): none,
		micros(66): "66.0 µs", micros(1500): "1.50 ms", micros(2.5e6): "2.50 s", micros(0): none, micros(999.7): "1.00 ms",
		size(512): "512 B", size(3 << 30): "3.00 GiB", size(0): none, percent(0.755): "75.5 %", percent(1.25): "125 %", percent(0.0042): "0.42 %", times(1.3): "1.30 ×",
		short(1_250_000): "1.25 M", short(20_000): "20 k", short(0.5): "0.5", microsTick(200): "200 µs", microsTick(1000): "1 ms", microsTick(5e6): "5 s",
		plural(1, "run"): "1 run", plural(2000, "run"): "2,000 runs", oneOf("settlements/s"): "settlement", shortModule("github.com/cockroachdb/pebble/v2"): "pebble",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if lines := wrap(strings.Repeat("word ", 50), 30); len(lines) != 9 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestPath: what an axis cannot hold breaks a line, and a point alone is still seen.
func TestPath(t *testing.T) {
	x, y := upTo("", 4, 4), logarithmic("", 1, 100, short)
	l := &line{xs: []float64{0, 1, 2, 3, 4}, ys: []float64{1, 10, 0, math.NaN(), 100}}
	path, n := pathOf(frame{0, 100, 0, 100}, &x, &y, l)
	if want := "M0.0 100.0h0.1L25.0 50.0M100.0 0.0h0.1"; n != 3 || path != want {
		t.Errorf("%d points, %q, want %q", n, path, want)
	}
}

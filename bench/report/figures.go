package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"

	"gongji/bench/result"
)

// figure is a plot with what it says.
type figure struct {
	Title   string
	Caption string
	SVG     template.HTML
	Legend  []legend
}

type legend struct {
	Class string // of its color
	Name  string
	Value string
}

// seriesKind is one thing that is drawn over time.
type seriesKind struct {
	title, caption string
	axis           func(c *result.Case, lines []line) axis
	of             func(*result.Point) float64
}

func plain(title string) func(*result.Case, []line) axis {
	return func(_ *result.Case, lines []line) axis { return fromZero(title, highest(lines), 4, short) }
}

// bytesAxis counts in the binary unit of its highest value, so that its ticks are round there.
func bytesAxis(_ *result.Case, lines []line) axis {
	unit, name := 1.0, "bytes"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if highest(lines) < unit*1024 {
			break
		}
		unit, name = unit*1024, u
	}
	a := fromZero(name, highest(lines)/unit, 4, short)
	a.high *= unit
	for i := range a.ticks {
		a.ticks[i].at *= unit
	}
	return a
}

var seriesKinds = []seriesKind{
	{"Throughput", "Each point is the rate over the interval before it.", func(c *result.Case, lines []line) axis { return fromZero(c.Unit, highest(lines), 4, short) },
		func(p *result.Point) float64 { return p.Rate }},
	{"p99 of each interval", "The slowest hundredth of each interval by itself: stalls show here that a whole run's p99 hides.",
		func(_ *result.Case, lines []line) axis { return fromZero("ms", highest(lines), 4, short) }, func(p *result.Point) float64 { return p.P99 / 1e3 }},
	{"Batch", "Mean number of commands that share one log record and one sync.", plain("commands"), func(p *result.Point) float64 { return p.Batch }},
	{"Contested", "Share of commands that wanted money another command of the same batch wanted too.", plain("%"), func(p *result.Point) float64 { return 100 * p.Contested }},
	{"CPU", "Cores used by the process, load generator included where it is the same one.", plain("cores"), func(p *result.Point) float64 { return p.CPU }},
	{"Memory", "Of the process.", bytesAxis, func(p *result.Point) float64 { return float64(p.Memory) }},
	{"Disk", "Bytes of the ledger's directory.", bytesAxis, func(p *result.Point) float64 { return float64(p.Disk) }},
}

// timeFigures are those of a case's series; what no run has is left out.
func timeFigures(c *result.Case) (out []figure) {
	for _, kind := range seriesKinds {
		var lines []line
		last, some := 0.0, false
		for i := range c.Runs {
			l := line{name: fmt.Sprintf("run %d", i+1)}
			for k := range c.Runs[i].Series {
				p := &c.Runs[i].Series[k]
				v := kind.of(p)
				l.xs, l.ys = append(l.xs, p.At), append(l.ys, v)
				last, some = max(last, p.At), some || v > 0
			}
			lines = append(lines, l)
		}
		if !some {
			continue
		}
		f := figure{Title: kind.title, Caption: kind.caption}
		f.SVG = linePlot(c.Name+": "+kind.title, upTo("seconds of the run", last, 6), kind.axis(c, lines), lines)
		for i := range lines {
			if len(lines) > 1 && len(lines[i].xs) > 0 {
				f.Legend = append(f.Legend, legend{Class: color(i), Name: lines[i].name})
			}
		}
		if f.SVG != "" {
			out = append(out, f)
		}
	}
	return out
}

// quantilesOf a case: x in nines, y in us. Whole histograms of all runs are merged; without them the usual points are medians over the runs.
func quantilesOf(c *result.Case) (xs, ys []float64) {
	if h, ok := mergedOf(c); ok {
		nines := math.Log10(float64(h.Count())) // the last tenth of a nine stands on one value
		for x := 0.0; x <= min(4, nines)+1e-9; x += 0.05 {
			xs, ys = append(xs, x), append(ys, float64(h.At(1-math.Pow(10, -x)))/1e3)
		}
		return xs, ys
	}
	for _, p := range []struct {
		q  float64
		of func(*result.Latency) float64
	}{{0.5, func(l *result.Latency) float64 { return l.P50 }}, {0.9, func(l *result.Latency) float64 { return l.P90 }}, {0.99, func(l *result.Latency) float64 { return l.P99 }},
		{0.999, func(l *result.Latency) float64 { return l.P999 }}, {0.9999, func(l *result.Latency) float64 { return l.P9999 }}} {
		if v := c.Median(latency(p.of)); v > 0 {
			xs, ys = append(xs, ninesOf(p.q)), append(ys, v)
		}
	}
	return xs, ys
}

func mergedOf(c *result.Case) (all result.Histogram, ok bool) {
	all = result.NewHistogram()
	for i := range c.Runs {
		l := c.Runs[i].Latency
		if l == nil {
			continue
		}
		if len(l.HDR) == 0 {
			return all, false
		}
		h, err := l.Decode()
		if err != nil {
			return all, false
		}
		all.Merge(h)
	}
	return all, all.Count() > 0
}

// latencyFigure compares the cases of a kind; nil if none has latencies.
func latencyFigure(title string, cases []*result.Case) *figure {
	var lines []line
	f := &figure{Title: title}
	low, high, nines := math.Inf(1), 0.0, 0.0
	for _, c := range cases {
		xs, ys := quantilesOf(c)
		if len(xs) == 0 {
			continue
		}
		for i, v := range ys {
			low, high, nines = min(low, max(v, 0.1)), max(high, v), max(nines, xs[i])
		}
		f.Legend = append(f.Legend, legend{color(len(lines)), c.ID, "p50 " + micros(c.Median(p50)) + ", p99 " + micros(c.Median(p99)) + ", p99.9 " + micros(c.Median(p999))})
		lines = append(lines, line{name: c.ID, xs: xs, ys: ys})
	}
	if len(lines) == 0 {
		return nil
	}
	f.SVG = linePlot(title, quantileAxis(nines), logarithmic("time to the answer", low, high, microsTick), lines)
	return f
}

// batchFigure is the histogram of batch sizes over all runs; nil without one.
func batchFigure(c *result.Case) *figure {
	var sizes []uint64
	var total uint64
	for i := range c.Runs {
		b := c.Runs[i].Batches
		if b == nil {
			continue
		}
		for k, n := range b.Sizes {
			for len(sizes) <= k {
				sizes = append(sizes, 0)
			}
			sizes[k] += n
			total += n
		}
	}
	if total == 0 {
		return nil
	}
	high := 0.0
	for _, n := range sizes {
		high = max(high, float64(n)/float64(total))
	}
	canvas := newCanvas(plotHeight, c.Name+": batch sizes")
	f := canvas.frame()
	y := fromZero("% of batches", 100*high, 4, short)
	x := axis{high: float64(len(sizes)), title: "commands a batch, each bar up to twice its label"}
	for i := range sizes {
		x.ticks = append(x.ticks, tick{float64(i), short(math.Pow(2, float64(i)))})
	}
	canvas.axes(f, &x, &y)
	for i, n := range sizes {
		share := 100 * float64(n) / float64(total)
		left, right, top := f.x(&x, float64(i)), f.x(&x, float64(i+1)), f.y(&y, share)
		canvas.box(left+1.5, top, right-left-3, f.bottom-top, "bar c1", fmt.Sprintf("%.0f to %.0f commands: %s batches, %.1f %%", math.Pow(2, float64(i)), math.Pow(2, float64(i+1))-1, thousands(int64(n)), share))
	}
	mean := c.Median(func(r *result.Run) float64 {
		if r.Batches == nil {
			return 0
		}
		return r.Batches.Commands
	})
	return &figure{Title: "Batch sizes", Caption: fmt.Sprintf("%s batches of all runs, %s commands on average.", thousands(int64(total)), number(mean)), SVG: canvas.done()}
}

// stageFigure draws p50 to p99.9 of every stage on one logarithmic axis; nil without stages.
func stageFigure(c *result.Case) *figure {
	names := stages(c)
	low, high := math.Inf(1), 0.0
	points := []func(*result.Latency) float64{func(l *result.Latency) float64 { return l.P50 }, func(l *result.Latency) float64 { return l.P90 },
		func(l *result.Latency) float64 { return l.P99 }, func(l *result.Latency) float64 { return l.P999 }}
	for _, name := range names {
		for _, of := range points {
			if v := stageOf(c, name, of); v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if len(names) == 0 || high == 0 {
		return nil
	}
	const row = 34
	canvas := newCanvas(float64(marginT+marginB+row*len(names)), c.Name+": stages")
	f := canvas.frame()
	x := logarithmic("time in the stage", low, high, microsTick)
	x.grid = true
	canvas.axes(f, &x, &axis{high: 1})
	fig := &figure{Title: c.ID, Caption: "Dots: p50, p90, p99, p99.9; " + loadText(c) + "."}
	for i, name := range names {
		at := f.top + row*(float64(i)+0.5)
		canvas.text(f.left-7, at+4, "end", "tick", name)
		var places []float64
		for k, of := range points {
			if v := stageOf(c, name, of); v > 0 {
				places = append(places, f.x(&x, v))
				canvas.dot(places[len(places)-1], at, []float64{6, 4.5, 4.5, 4.5}[k], "dot "+color(i)+" o"+strconv.Itoa(k), name+" "+[]string{"p50 ", "p90 ", "p99 ", "p99.9 "}[k]+micros(v))
			}
		}
		if len(places) > 1 {
			canvas.rule(places[0], at, places[len(places)-1], at, "span "+color(i))
		}
		fig.Legend = append(fig.Legend, legend{color(i), name, "p50 " + micros(stageOf(c, name, points[0])) + ", p99 " + micros(stageOf(c, name, points[2]))})
	}
	fig.SVG = canvas.done()
	return fig
}

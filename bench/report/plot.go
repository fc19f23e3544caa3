package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Size of a plot in its own units, which are pixels of a column on a wide screen: a phone shows one at about the same size.
const (
	plotWidth  = 540
	plotHeight = 270
	marginL    = 62
	marginR    = 16
	marginT    = 24
	marginB    = 40
)

// colors of the style sheet; a plot with more lines begins again with dashes.
const colors = 8

// line of a plot. xs and ys are of one length; what an axis cannot hold breaks it.
type line struct {
	name   string
	xs, ys []float64
	faint  bool
}

// canvas collects the elements of one SVG.
type canvas struct {
	b             strings.Builder
	width, height float64
}

func newCanvas(height float64, label string) *canvas {
	c := &canvas{width: plotWidth, height: height}
	fmt.Fprintf(&c.b, `<svg viewBox="0 0 %d %.0f" role="img" aria-label="%s">`, plotWidth, height, html.EscapeString(label))
	return c
}

func (c *canvas) done() template.HTML {
	c.b.WriteString("</svg>")
	return template.HTML(c.b.String()) // every text in it went through text or title, which escape
}

// text puts words at a place; anchor is start, middle or end.
func (c *canvas) text(x, y float64, anchor, class, words string) {
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, html.EscapeString(words))
}

func (c *canvas) rule(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&c.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

func (c *canvas) box(x, y, w, h float64, class, title string) {
	fmt.Fprintf(&c.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1.5" class="%s"><title>%s</title></rect>`, x, y, max(0, w), max(0, h), class, html.EscapeString(title))
}

func (c *canvas) dot(x, y, r float64, class, title string) {
	fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="%.1f" class="%s"><title>%s</title></circle>`, x, y, r, class, html.EscapeString(title))
}

// frame is the inside of a plot.
type frame struct{ left, right, top, bottom float64 }

func (f frame) x(a *axis, v float64) float64 { return f.left + a.place(v)*(f.right-f.left) }
func (f frame) y(a *axis, v float64) float64 { return f.bottom - a.place(v)*(f.bottom-f.top) }

func (c *canvas) frame() frame {
	return frame{marginL, c.width - marginR, marginT, c.height - marginB}
}

// axes draws grid, ticks and titles. Labels that would touch the one before are left out.
func (c *canvas) axes(f frame, x, y *axis) {
	for _, t := range y.ticks {
		at := f.y(y, t.at)
		if t.label == "" {
			c.rule(f.left, at, f.right, at, "minor")
			continue
		}
		c.rule(f.left, at, f.right, at, "grid")
		c.text(f.left-7, at+3.7, "end", "tick", t.label)
	}
	end := math.Inf(-1) // of the label before
	for _, t := range x.ticks {
		at := f.x(x, t.at)
		if t.label == "" {
			c.rule(at, f.top, at, f.bottom, "minor")
			continue
		}
		half := textWidth(t.label) / 2
		if x.grid {
			c.rule(at, f.top, at, f.bottom, "grid")
		}
		c.rule(at, f.bottom, at, f.bottom+4, "axis")
		place := min(max(at, f.left-20+half), c.width-2-half)
		if place-half < end+6 {
			continue
		}
		end = place + half
		c.text(place, f.bottom+16, "middle", "tick", t.label)
	}
	c.rule(f.left, f.bottom, f.right, f.bottom, "axis")
	c.text(2, 11, "start", "title", y.title)
	c.text(f.right, c.height-5, "end", "title", x.title)
}

// textWidth is about what a tick's label takes: 6 units a letter at 11.
func textWidth(s string) float64 { return 6 * float64(len([]rune(s))) }

// color is the class of the i-th line.
func color(i int) string {
	class := fmt.Sprintf("c%d", i%colors+1)
	if i >= colors {
		class += " dashed"
	}
	return class
}

// linePlot draws lines over one pair of axes; "" if there is nothing to draw.
func linePlot(label string, x, y axis, lines []line) template.HTML {
	c := newCanvas(plotHeight, label)
	f := c.frame()
	c.axes(f, &x, &y)
	drawn := false
	for i := range lines {
		l := &lines[i]
		path, n := pathOf(f, &x, &y, l)
		if n == 0 {
			continue
		}
		drawn = true
		class := "line " + color(i)
		if l.faint {
			class += " faint"
		}
		fmt.Fprintf(&c.b, `<path d="%s" class="%s"><title>%s</title></path>`, path, class, html.EscapeString(l.name))
	}
	if !drawn {
		return ""
	}
	return c.done()
}

// pathOf is the way of a line and the number of its points. A point alone gets a short stroke, so that it is seen.
func pathOf(f frame, x, y *axis, l *line) (string, int) {
	var b strings.Builder
	n, alone := 0, false
	for i := range min(len(l.xs), len(l.ys)) {
		if !x.holds(l.xs[i]) || !y.holds(l.ys[i]) {
			alone = false
			continue
		}
		px, py := f.x(x, l.xs[i]), f.y(y, min(max(l.ys[i], y.low), y.high))
		if alone {
			fmt.Fprintf(&b, "L%.1f %.1f", px, py)
		} else {
			fmt.Fprintf(&b, "M%.1f %.1fh0.1", px, py)
			alone = true
		}
		n++
	}
	return b.String(), n
}

// highest of all values that can be drawn, 0 without any.
func highest(lines []line) float64 {
	high := 0.0
	for i := range lines {
		for _, v := range lines[i].ys {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				high = max(high, v)
			}
		}
	}
	return high
}

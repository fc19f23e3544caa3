package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// lineMax is how wide tables and texts are.
const lineMax = 120

// grid is a table for a terminal: columns as wide as their widest cell, or as their limit. A head that begins with > is of a column of figures, set to
// the right. A row of one cell stands under the row before it, across the columns.
type grid struct {
	heads  []string
	rows   [][]string
	limits map[int]int // of columns whose cells are wrapped
}

func newGrid(heads ...string) *grid {
	return &grid{heads: heads, limits: map[int]int{len(heads) - 1: 60}}
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

func (g *grid) print(w io.Writer) {
	heads := make([]string, len(g.heads))
	for i, h := range g.heads {
		heads[i] = strings.TrimPrefix(h, ">")
	}
	widths := make([]int, len(heads))
	rows := [][][]string{g.wrapped(heads)}
	for _, row := range g.rows {
		rows = append(rows, g.wrapped(row))
	}
	for _, row := range rows {
		for i := 0; len(row) > 1 && i < len(row); i++ {
			for _, text := range row[i] {
				widths[i] = max(widths[i], utf8.RuneCountInString(text))
			}
		}
	}
	for _, row := range rows {
		g.line(w, row, widths)
	}
}

// wrapped gives the lines of every cell.
func (g *grid) wrapped(cells []string) (out [][]string) {
	for i, cell := range cells {
		width := lineMax
		if limit, ok := g.limits[i]; ok && len(cells) > 1 {
			width = limit
		}
		out = append(out, wrap(cell, width))
	}
	return out
}

func (g *grid) line(w io.Writer, cells [][]string, widths []int) {
	if len(cells) == 1 {
		for _, text := range wrap(strings.Join(cells[0], " "), lineMax-4) {
			fmt.Fprintln(w, "    "+text)
		}
		return
	}
	high := 0
	for _, lines := range cells {
		high = max(high, len(lines))
	}
	for k := range high {
		var b strings.Builder
		for i, lines := range cells {
			text := ""
			if k < len(lines) {
				text = lines[k]
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if strings.HasPrefix(g.heads[i], ">") {
				b.WriteString(pad + text + "  ")
			} else {
				b.WriteString(text + pad + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// wrap cuts text between words into lines of at most width runes; line ends in the text stay.
func wrap(text string, width int) (lines []string) {
	for _, part := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(part) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
				lines, line = append(lines, line), ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		lines = append(lines, line)
	}
	return lines
}

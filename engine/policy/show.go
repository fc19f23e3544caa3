package policy

import (
	"fmt"
	"io"
	"strings"
)

// Row is a knob and its value, for people.
type Row struct {
	Knob  string // with its table: "channel.hall.login"
	Label string
	Value string // as the canonical text has it
	Unit  string
	Rules string
	About string
}

// Rows are all knobs in the order of the canonical text.
func (p *Profile) Rows() []Row {
	rows := rowsOf(profileFields, p, "", "")
	for i := range p.Channels {
		c := &p.Channels[i]
		rows = append(rows, rowsOf(channelFields[1:], c, channelTable+"."+c.Name+".", c.Title+" ")...)
	}
	for i := range p.ClrTypes {
		rows = append(rows, clrRow(i, &p.ClrTypes[i]))
	}
	return rows
}

// clrRow is a row of the clearing table in one line: its order is its meaning.
func clrRow(i int, c *ClrRule) Row {
	value := c.Code + " if"
	for j := range clrFields[1:] {
		f := &clrFields[1+j]
		if list := *f.at(c).(*[]string); len(list) > 0 {
			value += " " + f.Name + " " + strings.Join(list, ", ")
		}
	}
	k := clrFields[0].Knob
	return Row{fmt.Sprintf("%s.%d", clrTable, i+1), k.Label, value, k.Unit, k.Rules, k.About}
}

func rowsOf[T any](fields []field[T], from *T, prefix, label string) (rows []Row) {
	for i := range fields {
		f := &fields[i]
		rows = append(rows, Row{prefix + f.Name, label + f.Label, f.text(f.at(from)), f.Unit, f.Rules, f.About})
	}
	return rows
}

// Show writes the profile as a table: knob, Chinese name, value, unit, rule numbers, meaning.
func (p *Profile) Show(w io.Writer) error {
	hash := p.Hash()
	if _, err := fmt.Fprintf(w, "%s (%s) version %d, from %s\nSHA-256 %x\n\n", p.Title, p.Name, p.Version, p.EffectiveFrom, hash); err != nil {
		return err
	}
	table := [][]string{{"knob", "参数", "value", "unit", "rules", "meaning"}}
	for _, r := range p.Rows() {
		table = append(table, []string{r.Knob, r.Label, strings.ReplaceAll(r.Value, `"`, ""), r.Unit, r.Rules, r.About})
	}
	return writeTable(w, table)
}

// writeTable aligns columns; the last is not padded.
func writeTable(w io.Writer, table [][]string) error {
	width := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			width[i] = max(width[i], columns(cell))
		}
	}
	for _, row := range table {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", width[i]-columns(cell)+2)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// columns is the width of a text on a terminal: Chinese characters take two.
func columns(text string) (n int) {
	for _, r := range text {
		if n++; r >= firstWide {
			n++
		}
	}
	return n
}

// firstWide is the first character of the CJK blocks; those between it and the last that a profile may hold are wide with few exceptions.
const firstWide = 0x2E80

// Change is a knob that two profiles differ in; a value is "" where the knob is not there.
type Change struct {
	Row
	From, To string
}

// Diff tells knob by knob what changes from a to b, in a's order, then what only b has.
func Diff(a, b *Profile) (changes []Change) {
	from, to := a.Rows(), b.Rows()
	values := map[string]string{}
	for _, r := range to {
		values[r.Knob] = r.Value
	}
	old := map[string]bool{}
	for _, r := range from {
		old[r.Knob] = true
		if v := values[r.Knob]; v != r.Value {
			changes = append(changes, Change{r, r.Value, v})
		}
	}
	for _, r := range to {
		if !old[r.Knob] {
			changes = append(changes, Change{r, "", r.Value})
		}
	}
	return changes
}

// ShowDiff writes changes as a table.
func ShowDiff(w io.Writer, changes []Change) error {
	table := [][]string{{"knob", "参数", "from", "to", "rules"}}
	for _, c := range changes {
		table = append(table, []string{c.Knob, c.Label, shown(c.From), shown(c.To), c.Rules})
	}
	return writeTable(w, table)
}

func shown(value string) string {
	if value == "" {
		return "-"
	}
	return strings.ReplaceAll(value, `"`, "")
}

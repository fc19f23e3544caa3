package policy

import (
	"fmt"
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Parse reads a profile's file and checks it. The error is Problems: all that is wrong, each with its line. file is only told in them.
func Parse(file string, text []byte) (*Profile, error) {
	r := &reader{file: file}
	if len(text) > FileMax {
		r.fail(1, Knob{}, TooLarge, fmt.Sprintf("a file has at most %d bytes", FileMax))
		return nil, r.problems
	}
	root, syntax := tree(file, text)
	r.problems = syntax
	r.torn = len(syntax) > 0
	p := &Profile{}
	head, channels, clr := r.split(root)
	lines := readFields(r, profileFields, head, lastLine(head), p)
	p.Channels = readRows(r, channelFields, channels, lastLine(head))
	p.ClrTypes = readRows(r, clrFields, clr, lastLine(head))
	if !r.torn {
		r.check(p, lines, channels, clr)
	}
	slices.SortStableFunc(p.Channels, func(a, b Channel) int { return channelCode(a.Name) - channelCode(b.Name) })
	if len(r.problems) == 0 && len(p.Canonical()) > CanonicalMax {
		r.fail(1, Knob{}, TooLarge, fmt.Sprintf("the profile's canonical text has more than %d bytes", CanonicalMax))
	}
	if len(r.problems) > 0 {
		return nil, r.problems.sorted()
	}
	return p, nil
}

// reader gathers what is wrong.
type reader struct {
	file     string
	problems Problems
	torn     bool // the file could not be read to its end: what is missing may stand there
}

func (r *reader) fail(line int, k Knob, f Fault, text string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Knob: k.Name, Rules: k.Rules, Fault: f, Text: text})
}

// split takes the tables out of the top level.
func (r *reader) split(root []entry) (head []entry, channels, clr entry) {
	for _, e := range root {
		rows := &channels
		switch e.key {
		case clrTable:
			rows = &clr
		case channelTable:
		default:
			head = append(head, e)
			continue
		}
		switch {
		case rows.key != "":
			r.fail(e.line, Knob{Name: e.key}, Duplicate, "this table is here twice")
		case e.value.kind != unstable.ArrayTable:
			r.fail(e.line, Knob{Name: e.key}, WrongType, "is written as rows, each under [["+e.key+"]]")
			*rows = entry{key: e.key, line: e.line}
		default:
			*rows = e
		}
	}
	return head, channels, clr
}

func lastLine(entries []entry) int {
	line := 1
	for _, e := range entries {
		line = max(line, e.line)
	}
	return line
}

// readRows reads the rows of a table.
func readRows[T any](r *reader, fields []field[T], table entry, end int) []T {
	if len(table.value.list) > listMax {
		r.fail(table.line, Knob{Name: table.key}, TooLarge, fmt.Sprintf("a table has at most %d rows", listMax))
		return nil
	}
	rows := make([]T, len(table.value.list))
	for i, row := range table.value.list {
		readFields(r, fields, row.table, max(row.line, lastLine(row.table)), &rows[i])
	}
	return rows
}

// readFields reads each field once and gives the lines of those that were read. A missing one is told at line end.
func readFields[T any](r *reader, fields []field[T], entries []entry, end int, into *T) map[string]int {
	seen, lines := map[string]int{}, map[string]int{}
	for i := range entries {
		e := &entries[i]
		at := slices.IndexFunc(fields, func(f field[T]) bool { return f.Name == e.key })
		if at < 0 {
			r.fail(e.line, Knob{Name: shownKey(e.key)}, UnknownKnob, "there is no such knob")
			continue
		}
		f := &fields[at]
		if first := seen[e.key]; first != 0 {
			r.fail(e.line, f.Knob, Duplicate, fmt.Sprintf("has a value in line %d", first))
			continue
		}
		seen[e.key] = e.line
		if r.set(f.Knob, &f.form, e, f.at(into)) {
			lines[e.key] = e.line
		}
	}
	for i := range fields {
		if f := &fields[i]; seen[f.Name] == 0 && !r.torn {
			fault := Missing
			if f.kind == aDate {
				fault = MissingDate
			}
			r.fail(end, f.Knob, fault, "is missing; it takes "+f.allows())
		}
	}
	return lines
}

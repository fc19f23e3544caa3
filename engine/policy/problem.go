package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault says what is wrong with a line; the text is stable.
type Fault string

// The faults.
const (
	Syntax      Fault = "syntax"         // no TOML
	TooLarge    Fault = "too_large"      // the file, a list, a table, or the canonical text
	UnknownKnob Fault = "unknown_knob"   // no knob of this format
	Duplicate   Fault = "duplicate_knob" // a second value, or a value twice in a set
	WrongType   Fault = "wrong_type"
	NotAllowed  Fault = "not_allowed" // outside the set of values
	Missing     Fault = "missing_knob"
	MissingDate Fault = "missing_date" // effective_from
	Impossible  Fault = "impossible"   // with another knob
)

// Problem is one thing wrong with a file. Its texts hold nothing of the file but names of knobs.
type Problem struct {
	File  string
	Line  int // from 1
	Knob  string
	Rules string // of the knob, "" if there is no such knob
	Fault Fault
	Text  string
}

func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d: ", p.File, p.Line)
	if p.Knob != "" {
		s += p.Knob + ": "
	}
	s += p.Text
	if p.Rules != "" {
		s += " (" + p.Rules + ")"
	}
	return s
}

// Problems are all that is wrong with a file, by line. It is the error of Parse.
type Problems []Problem

// Error has a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return ps
}

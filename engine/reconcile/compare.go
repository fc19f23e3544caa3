package reconcile

import "gongji/engine/ledger"

// Figure is an amount that both sides have of a bill.
type Figure uint8

// The figures. Cash and mutual aid are in no national statement (nhsa-interface.md 1.13), so a side may leave them out.
const (
	Medfee Figure = iota
	Fund
	Acct // own and mutual aid
	Mulaid
	Cash
	Figures = iota
)

// Line is one settlement or one refund of an institution as one side has it.
type Line struct {
	Message    string          // its own message id; "": not told
	Settlement ledger.Position // the settlement, of a refund the one undone; 0: not told
	Refund     bool
	Told       uint8          // bit f: figure f is known
	Figures    [Figures]int64 // fen; of a refund not above 0
}

// Tell sets a figure.
func (l *Line) Tell(f Figure, fen int64) { l.Figures[f], l.Told = fen, l.Told|1<<f }

// Has reports whether a figure is known.
func (l *Line) Has(f Figure) bool { return l.Told&(1<<f) != 0 }

// Match is a line of ours and one of theirs that are the same settlement or refund and differ.
type Match struct {
	Ours, Theirs int   // indexes
	Figures      uint8 // bit f: figure f, known to both, is not the same
	Message      bool  // they name another message id
	Settlement   bool  // they name another settlement
	Refund       bool  // one is a refund, the other is not
}

// Comparison is what became of two lists of lines.
type Comparison struct {
	OursOnly   []int   // indexes, ascending
	TheirsOnly []int   // ascending; also a line that names what an earlier line has named
	Different  []Match // in the order of theirs
}

// Level reports whether there is no difference.
func (c *Comparison) Level() bool { return len(c.OursOnly)+len(c.TheirsOnly)+len(c.Different) == 0 }

// bill names a settlement or its refund.
type bill struct {
	settlement ledger.Position
	refund     bool
}

// Compare finds for each line of theirs the line of ours with its message id, and then, for those that have found none, the one with their settlement and
// sign, and compares what both tell. No line is matched twice, and message ids come first: a line without one takes no line that another names. Of several
// with one settlement and sign (a redo is a second settlement of the same bill, R11) the first that is free. Ours must have message ids and settlements. It
// costs two maps over ours.
func Compare(ours, theirs []Line) Comparison {
	x := newMatching(ours, theirs)
	for j := range theirs {
		if i, found := x.byMessage[theirs[j].Message]; found && theirs[j].Message != "" {
			x.meet(i, j, true)
		}
	}
	for j := range theirs {
		if t := &theirs[j]; t.Settlement != 0 && !x.named[j] {
			if i, found := x.byBill[bill{t.Settlement, t.Refund}]; found {
				x.meet(x.free(i), j, false)
			}
		}
	}
	var c Comparison
	for j := range theirs {
		i := x.of[j] - 1
		if i < 0 {
			c.TheirsOnly = append(c.TheirsOnly, j)
		} else if m := differ(&ours[i], &theirs[j]); m != (Match{}) {
			m.Ours, m.Theirs = i, j
			c.Different = append(c.Different, m)
		}
	}
	for i := range ours {
		if !x.matched[i] {
			c.OursOnly = append(c.OursOnly, i)
		}
	}
	return c
}

// matching is which line of ours each line of theirs has met.
type matching struct {
	byMessage map[string]int
	byBill    map[bill]int // the first of the bill
	again     []int        // by line of ours: the next of the same bill, + 1
	matched   []bool       // ours
	of        []int        // by line of theirs: the line of ours, + 1
	named     []bool       // theirs: a message id of ours, whoever has met that line
}

func newMatching(ours, theirs []Line) *matching {
	x := &matching{byMessage: make(map[string]int, len(ours)), byBill: make(map[bill]int, len(ours)), again: make([]int, len(ours)), matched: make([]bool, len(ours)),
		of: make([]int, len(theirs)), named: make([]bool, len(theirs))}
	for i := len(ours) - 1; i >= 0; i-- {
		x.byMessage[ours[i].Message] = i
		key := bill{ours[i].Settlement, ours[i].Refund}
		if next, found := x.byBill[key]; found {
			x.again[i] = next + 1
		}
		x.byBill[key] = i
	}
	return x
}

// free is the first line of a bill that nobody has met, or its last.
func (x *matching) free(i int) int {
	for x.matched[i] && x.again[i] != 0 {
		i = x.again[i] - 1
	}
	return i
}

// meet joins a line of ours that is free and one of theirs.
func (x *matching) meet(i, j int, named bool) {
	if x.named[j] = named; !x.matched[i] {
		x.matched[i], x.of[j] = true, i+1
	}
}

func differ(o, t *Line) (m Match) {
	m.Message = t.Message != "" && t.Message != o.Message
	m.Settlement = t.Settlement != 0 && t.Settlement != o.Settlement
	m.Refund = t.Refund != o.Refund
	for f := range Figure(Figures) {
		if o.Has(f) && t.Has(f) && o.Figures[f] != t.Figures[f] {
			m.Figures |= 1 << f
		}
	}
	return m
}

package reconcile

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gongji/bench/proof"
	"gongji/engine/ledger"
)

func line(message string, settlement ledger.Position, refund bool, figures ...int64) Line {
	l := Line{Message: message, Settlement: settlement, Refund: refund}
	for f, fen := range figures {
		l.Tell(Figure(f), fen)
	}
	return l
}

// TestCompare (R15, nhsa-interface.md 1.13): lines meet by message id, else by settlement and sign, once; only what both tell is compared.
func TestCompare(t *testing.T) {
	ours := []Line{line("a", 1, false, 100, 60, 30, 10, 10), line("b", 2, false, 50, 0, 50, 0, 0), line("c", 2, true, -50, 0, -50, 0, 0)}
	for name, x := range map[string]struct {
		theirs []Line
		want   Comparison
	}{
		"level":                {[]Line{line("b", 2, false, 50, 0, 50), line("c", 0, true, -50), line("a", 1, false, 100, 60, 30)}, Comparison{}},
		"by settlement":        {[]Line{line("", 2, true, -50), line("", 2, false), line("", 1, false)}, Comparison{}},
		"nothing":              {nil, Comparison{OursOnly: []int{0, 1, 2}}},
		"another":              {[]Line{line("a", 1, false), line("z", 9, false), line("b", 0, false), line("c", 0, true)}, Comparison{TheirsOnly: []int{1}}},
		"twice":                {[]Line{line("a", 0, false), line("", 1, false), line("b", 0, false), line("c", 0, true)}, Comparison{TheirsOnly: []int{1}}},
		"refund not told":      {[]Line{line("a", 0, false), line("b", 2, false)}, Comparison{OursOnly: []int{2}}},
		"figures":              {[]Line{line("a", 0, false, 101, 60, 29), line("b", 0, false), line("c", 0, true)}, Comparison{Different: []Match{{Ours: 0, Theirs: 0, Figures: 1<<Medfee | 1<<Acct}}}},
		"cash":                 {[]Line{line("c", 0, true), line("b", 0, false), line("a", 0, false, 100, 60, 30, 10, 11)}, Comparison{Different: []Match{{Ours: 0, Theirs: 2, Figures: 1 << Cash}}}},
		"names":                {[]Line{line("a", 7, false), line("x", 2, false), line("c", 0, false)}, Comparison{Different: []Match{{Ours: 0, Theirs: 0, Settlement: true}, {Ours: 1, Theirs: 1, Message: true}, {Ours: 2, Theirs: 2, Refund: true}}}},
		"message wins the row": {[]Line{line("b", 1, false), line("a", 2, false), line("c", 2, true)}, Comparison{Different: []Match{{Ours: 1, Theirs: 0, Settlement: true}, {Ours: 0, Theirs: 1, Settlement: true}}}},
	} {
		got := Compare(ours, x.theirs)
		if !reflect.DeepEqual(got, x.want) || got.Level() != (name == "level" || name == "by settlement") {
			t.Errorf("%s: %+v, level %t, want %+v", name, got, got.Level(), x.want)
		}
	}
}

// TestCompareRedo (R11): a settlement, its cancel and its redo are three lines; the till's two positive ones meet our two, in whatever order.
func TestCompareRedo(t *testing.T) {
	ours := []Line{line("a", 1, false, 50), line("b", 1, true, -50), line("c", 1, false, 50), line("d", 2, false, 9)}
	theirs := []Line{line("", 1, false, 50), line("", 2, false, 9), line("", 1, false, 50), line("", 1, true, -50)}
	if c := Compare(ours, theirs); !c.Level() {
		t.Errorf("%+v", c)
	}
	if c := Compare(ours, append(theirs, line("", 1, false, 50))); !reflect.DeepEqual(c, Comparison{TheirsOnly: []int{4}}) {
		t.Errorf("a third: %+v", c)
	}
}

// TestCompareNamesFirst (R11): a line that names its message meets that message, whoever stands before it; one that names only the settlement takes what is left.
func TestCompareNamesFirst(t *testing.T) {
	ours := []Line{line("a", 1, false, 50), line("b", 1, true, -50), line("c", 1, false, 50)}
	for _, theirs := range [][]Line{
		{line("", 1, false, 50), line("a", 1, false, 50), line("", 1, true, -50)},
		{line("", 1, false, 50), line("b", 1, true, -50), line("c", 1, false, 50)},
		{line("z", 1, false, 50), line("", 1, true, -50), line("a", 0, false, 50)},
	} {
		if c := Compare(ours, theirs); len(c.OursOnly)+len(c.TheirsOnly) != 0 || len(c.Different) != 0 && (len(c.Different) != 1 || !c.Different[0].Message) {
			t.Errorf("%+v: %+v", theirs, c)
		}
	}
	twice := []Line{line("", 1, false, 50), line("a", 1, false, 50), line("a", 1, false, 50), line("", 1, true, -50)}
	if c := Compare(ours, twice); !reflect.DeepEqual(c, Comparison{TheirsOnly: []int{2}}) {
		t.Errorf("a message told twice: %+v", c)
	}
}

// BenchmarkCompare is a large hospital's day.
func BenchmarkCompare(b *testing.B) {
	var ours []Line
	for i := range 20_000 {
		ours = append(ours, line(fmt.Sprintf("H42010012345%018d", i), ledger.At(uint64(i), 1), false, int64(i), 0, int64(i)))
	}
	for b.Loop() {
		if c := Compare(ours, ours); !c.Level() {
			b.Fatal(c)
		}
	}
}

// TestComparePlanted (T16, R15): of files with planted errors (a line missing, one too many, 1 fen off, ids swapped) the three lists are exactly those.
func TestComparePlanted(t *testing.T) {
	proofLine := proof.New("T16", "compare").Seed(16)
	r := rand.New(rand.NewPCG(16, 1))
	planted, wrong := map[string]int64{}, 0
	files := proof.Of(300)
	for range files {
		n := 20 + r.IntN(200)
		var ours []Line
		for i := range n {
			ours = append(ours, line(fmt.Sprintf("M%04d", i), ledger.Position(i+1), false, 1_000+int64(i), int64(i), 1_000))
		}
		theirs := slices.Clone(ours)
		order := r.Perm(n)
		var want Comparison
		different := map[string]Match{}
		for k := range 4 { // each touches lines of its own
			at := order[4*k : 4*k+4]
			switch k {
			case 0:
				theirs[at[0]].Tell(Acct, 1_001)
				different[theirs[at[0]].Message] = Match{Ours: at[0], Figures: 1 << Acct}
				planted["fen"]++
			case 1:
				a, b := &theirs[at[0]], &theirs[at[1]]
				a.Message, b.Message = b.Message, a.Message
				figures := uint8(1<<Medfee | 1<<Fund)
				different[a.Message] = Match{Ours: at[1], Settlement: true, Figures: figures}
				different[b.Message] = Match{Ours: at[0], Settlement: true, Figures: figures}
				planted["swapped"]++
			case 2:
				want.OursOnly = append(want.OursOnly, at[0])
				planted["missing"]++
			}
		}
		gone := want.OursOnly[0]
		theirs = slices.Delete(theirs, gone, gone+1)
		theirs = append(theirs, line(fmt.Sprintf("X%04d", n), ledger.Position(5_000), false, 1, 0, 1))
		planted["extra"]++
		r.Shuffle(len(theirs), func(i, j int) { theirs[i], theirs[j] = theirs[j], theirs[i] })
		for j := range theirs {
			if theirs[j].Message[0] == 'X' {
				want.TheirsOnly = []int{j}
			} else if m, found := different[theirs[j].Message]; found {
				m.Theirs = j
				want.Different = append(want.Different, m)
			}
		}
		if got := Compare(ours, theirs); !reflect.DeepEqual(got, want) {
			wrong++
			t.Errorf("%d lines: %+v, planted %+v", n, got, want)
		}
	}
	proofLine.AtLeast("files", int64(files), int64(files)).Zero("lists_wrong", int64(wrong))
	for _, kind := range []string{"missing", "extra", "fen", "swapped"} {
		proofLine.Fault(kind, planted[kind])
	}
	proofLine.Print(t)
}

package ledger

import "testing"

// TestDayClose: R15: a day closes when it is over for as long as the policy says, once, with every day before it.
func TestDayClose(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.DayCloseMinutes = 90 })
	closing := func(day int32) Command { return Command{Kind: KindDayClose, Day: day} }
	w.want(DayClosed, closing(0)) // before any ledger
	w.want(DayNotOver, closing(w.day))
	today := w.day
	w.day++
	w.ms = 90*minuteMS - 1
	w.want(DayNotOver, closing(today))
	w.ms++
	w.want(DayNotOver, closing(today+1))
	w.want(Accepted, closing(today))
	w.want(DayClosed, closing(today))
	w.want(DayClosed, closing(today-1))
	w.day += 9
	w.want(Accepted, closing(today+9)) // an outage: one command
	if got := w.state().Scalars.At(0).ClosedThrough; got != today+9 {
		t.Fatalf("closed through %d, want %d", got, today+9)
	}
	w.want(DayNotOver, closing(1<<31-1))
	w.want(DayClosed, closing(-1<<31))

	bare := New(NewState(Shifts{}), ids{}, nil)
	var fx Effects
	fx.Reset(1, 0)
	c := NewContext(bare.State, 1, 100*dayMS, nil)
	bare.Apply(&c, &Command{Kind: KindDayClose, Day: 1, More: &More{}}, 0, &fx)
	if fx.List[0].Outcome != NoPolicy {
		t.Fatal(fx.List[0].Outcome)
	}
}

// TestVoid: R15: undone by message while its day is open a settlement is void with its undoing; after the close, or as a cancel by number, it is a row
// of its own.
func TestVoid(t *testing.T) {
	w := newWorld(t, nil) // closes at midnight
	w.person("a", 1000, 0)
	for _, x := range []struct {
		byID, close bool
		days        int32
		void        bool
	}{{void: true}, {byID: true}, {days: 1, void: true}, {days: 1, close: true}, {days: 1, byID: true, close: true}, {days: 3, void: true}} {
		bill := billOf("a", 10)
		bill.ID, bill.Digest = K([]byte{byte(w.sequence)}), 1
		w.want(Accepted, bill)
		at, day := At(w.sequence, 0), w.day
		w.day += x.days
		if x.close {
			w.want(Accepted, Command{Kind: KindDayClose, Day: day})
		}
		undo := Command{Kind: KindReversalByMessage, Institution: NewCode([]byte("H1")), Person: psn("a"), Other: bill.ID, Original: OriginalSettlement}
		if x.byID {
			undo.Kind, undo.Settlement = KindReversalByID, at
		}
		f := w.want(Accepted, undo)
		if f.Void != x.void || f.InstPrev != at {
			t.Errorf("%+v: void %t, after %x, want %t, after %x", x, f.Void, f.InstPrev, x.void, at)
		}
	}
	if i := w.state().Institutions.At(0); i.Last != At(w.sequence, 0) || i.Payable != 0 {
		t.Errorf("%+v", i)
	}
}

// TestVoidChain: R11, R15: each undoing is judged by what it undoes, the living end: by its day, and whether it counts at all. The rows that count add to
// what was posted.
func TestVoidChain(t *testing.T) {
	type step struct {
		byID, close, void bool // close: of all days before
	}
	for name, steps := range map[string][]step{
		"all by message":                  {{void: true}, {}, {void: true}, {}},
		"cancel by number":                {{byID: true}, {void: true}, {}, {void: true}},
		"cancel by number, then by both":  {{byID: true}, {void: true}, {byID: true}, {void: true}},
		"settlement's day closed":         {{close: true}, {void: true}, {}, {void: true}},
		"cancel's day closed":             {{byID: true}, {close: true}, {void: true}},
		"void cancel, behind every close": {{void: true}, {close: true}, {close: true}, {close: true}},
	} {
		w := newWorld(t, reversible)
		w.person("a", 10, 0)
		w.want(Accepted, named("0", billOf("a", 10)))
		settlement := At(w.sequence, 0)
		rows, last := []bool{true}, "0"
		for i, x := range steps {
			w.day++
			if x.close {
				w.want(Accepted, Command{Kind: KindDayClose, Day: w.day - 1})
			}
			undo := byMessage("a", "0", OriginalSettlement)
			if i%2 != 0 {
				undo = byMessage("a", last, OriginalReversal)
			}
			if x.byID {
				undo = reversalOf("a", settlement)
			}
			last = string('1' + rune(i))
			f := w.want(Accepted, named(last, undo))
			if f.Void != x.void {
				t.Errorf("%s: step %d: void %t", name, i, f.Void)
			}
			rows = append(rows, !f.Void)
			if f.Void {
				rows[i] = false
			}
			sum := 0
			for k, counts := range rows {
				if counts {
					sum += 1 - 2*(k%2)
				}
			}
			w.payable(int64(10 * sum))
			if sum != i%2 {
				t.Errorf("%s: step %d: rows count %d", name, i, sum)
			}
		}
	}
}

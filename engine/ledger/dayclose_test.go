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

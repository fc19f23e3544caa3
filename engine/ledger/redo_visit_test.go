package ledger

import "testing"

// redoable is a world with visits whose cancels may be undone, a visit with two charges of a batch settled and cancelled, and the redo of that.
func redoable(t *testing.T, kind VisitKind, bill func(at Position) Command) (w *world, visit Position, redo Command) {
	t.Helper()
	w = visitWorld(t)
	w.policy(Accepted, func(p *Policy) { visits(p); reversible(p) })
	visit = w.open("li", kind)
	w.want(Accepted, linesOf(visit, chargeOf(1, "A", 10), chargeOf(2, "A", 20), chargeOf(3, "B", 5)))
	w.want(Accepted, bill(visit))
	settled := w.last()
	f := w.want(Accepted, named("cancel", undoOf(settled)))
	w.number(f, 2)
	return w, visit, byMessage("li", "cancel", OriginalReversal)
}

func batchA(at Position) Command { return settlementOf(at, "A", 30) }

// TestRedoLines: R11, R29: a redo settles the lines of its settlement again and no others, and a stay finally; what is redone can be cancelled again.
func TestRedoLines(t *testing.T) {
	w, visit, redo := redoable(t, Stay, batchA)
	settled := At(w.sequence-1, 0)
	n, _ := w.state().FindVisit(visit, w.day)
	if sums, _ := w.state().UnsettledOf(n, 0); sums.Lines != 3 || w.state().Visits.At(n).Final != 0 {
		t.Fatalf("after the cancel: %+v", sums)
	}
	w.want(Accepted, visitOf(KindDischarge, visit))
	f := w.want(Accepted, redo)
	w.number(f, 2)
	sums, again := w.state().UnsettledOf(n, BatchKey([]byte("A")))
	if f.Visit != visit || !again || sums.Lines != 0 || w.state().Visits.At(n).Final != settled {
		t.Fatalf("after the redo: %+v, %d unsettled, final %x", f, sums.Lines, w.state().Visits.At(n).Final)
	}
	w.payable(30)
	w.want(StaySettled, settlementOf(visit, "B", 5))
	w.want(StaySettled, visitOf(KindDischargeCancel, visit))
	w.number(w.want(Accepted, undoOf(settled)), 2)
	w.want(Accepted, batchA(visit))
}

// TestRedoLinesDiffer: R11, R29: what has become of the lines meanwhile refuses a redo as a whole.
func TestRedoLinesDiffer(t *testing.T) {
	for name, x := range map[string]struct {
		want    Outcome
		disturb func(w *world, visit Position)
		kind    VisitKind
	}{
		"nothing":       {Accepted, func(*world, Position) {}, Registration},
		"another batch": {Accepted, func(w *world, at Position) { w.want(Accepted, settlementOf(at, "B", 5)) }, Registration},
		"line added":    {Accepted, func(w *world, at Position) { w.want(Accepted, linesOf(at, chargeOf(9, "A", 1))) }, Registration},
		"expired":       {Accepted, func(w *world, _ Position) { w.day += 2 }, Registration},
		"removed": {LinesDiffer, func(w *world, at Position) {
			c := visitOf(KindLinesRemove, at)
			c.More.Visit.Mode, c.More.Serials = RemoveSerials, []uint64{1}
			w.want(Accepted, c)
		}, Registration},
		"removed and sent again": {LinesDiffer, func(w *world, at Position) {
			w.want(Accepted, visitOf(KindLinesRemove, at))
			w.want(Accepted, linesOf(at, chargeOf(1, "A", 10), chargeOf(2, "A", 20)))
		}, Registration},
		"returned": {LinesDiffer, func(w *world, at Position) {
			back := returned(4, 1, 5)
			back.Batch = BatchKey([]byte("A"))
			w.want(Accepted, linesOf(at, back))
		}, Registration},
		"settled by another": {LinesDiffer, func(w *world, at Position) { w.want(Accepted, batchA(at)) }, Registration},
		"settled by another, and cancelled": {LinesDiffer, func(w *world, at Position) {
			w.want(Accepted, batchA(at))
			w.want(Accepted, undoOf(w.last()))
		}, Registration},
		"cancelled visit": {LinesDiffer, func(w *world, at Position) { w.want(Accepted, visitOf(KindVisitCancel, at)) }, Registration},
		"gone":            {VisitUnknown, func(w *world, _ Position) { w.day += 30 }, Registration},
		"finally settled": {StaySettled, func(w *world, at Position) { w.want(Accepted, settlementOf(at, "B", 5)) }, Stay},
	} {
		t.Run(name, func(t *testing.T) {
			w, visit, redo := redoable(t, x.kind, batchA)
			x.disturb(w, visit)
			before := w.state().Institutions.At(0).Payable
			f := w.want(x.want, redo)
			if x.want == Accepted {
				before += 30
				w.number(f, 2)
			}
			w.payable(before)
		})
	}
}

// TestRedoOfGoneVisit: R11: lines that were gone before the cancel need not be settled again; the money moves alone.
func TestRedoOfGoneVisit(t *testing.T) {
	w := visitWorld(t)
	w.policy(Accepted, func(p *Policy) { visits(p); reversible(p) })
	visit := w.open("li", Registration)
	w.want(Accepted, linesOf(visit, chargeOf(1, "A", 30)))
	w.want(Accepted, batchA(visit))
	settled := w.last()
	w.day += 30
	w.number(w.want(Accepted, named("cancel", undoOf(settled))), 0)
	f := w.want(Accepted, byMessage("li", "cancel", OriginalReversal))
	w.number(f, 0)
	w.payable(30)
}

// TestUndoneOpeningIsFinal: R11: the reversal of a visit's opening cannot be undone.
func TestUndoneOpeningIsFinal(t *testing.T) {
	w := visitWorld(t)
	w.policy(Accepted, func(p *Policy) { visits(p); reversible(p) })
	w.want(Accepted, named("2401", openOf("li", Stay)))
	w.want(VisitUndone, named("2601", byMessage("li", "2401", OriginalVisit)))
	w.want(CancelFinal, byMessage("li", "2601", OriginalReversal))
}

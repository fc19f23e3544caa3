package reconcile_test

import (
	"strings"
	"testing"

	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

// effects of one command with its legs.
func effects(f ledger.Effect, legs ...ledger.Leg) *ledger.Effects {
	f.Outcome, f.LegCount = ledger.Accepted, uint16(len(legs))
	return &ledger.Effects{List: []ledger.Effect{f}, Legs: legs}
}

func leg(amount, after int64, prev ledger.Position) ledger.Leg {
	return ledger.Leg{Account: ledger.Account(ledger.KindPersonal, 0), Amount: amount, After: after, Prev: prev}
}

// TestFold: P1, P9: an entry whose sides differ, a chain that breaks, and something given back twice, or taken again that was not given back, are found (R11, R18,
// R25, R26).
func TestFold(t *testing.T) {
	credit := effects(ledger.Effect{Kind: ledger.KindCredit, Funding: 1000, Source: 1}, leg(1000, 1000, 0))
	first := ledger.At(1, 0)
	premium := ledger.Effect{Kind: ledger.KindPremium, Funding: 400, Source: 1}
	refund := ledger.Effect{Kind: ledger.KindPremiumRefund, Funding: 400, Source: 1, First: ledger.At(2, 0)}
	settled := effects(ledger.Effect{Kind: ledger.KindSettlement, Own: 300}, leg(-300, 700, first))
	cancel := func(prev ledger.Position) *ledger.Effects {
		return effects(ledger.Effect{Kind: ledger.KindReversalByID, Own: 300, First: ledger.At(2, 0), InstPrev: prev}, leg(300, 1000, prev))
	}
	redo := func(prev ledger.Position) *ledger.Effects {
		return effects(ledger.Effect{Kind: ledger.KindReversalByMessage, Own: 300, First: ledger.At(2, 0), InstPrev: prev, Source: uint8(ledger.OriginalReversal)}, leg(-300, 700, prev))
	}
	settledAgain := effects(ledger.Effect{Kind: ledger.KindReversalByMessage, Own: 300, First: ledger.At(2, 0), InstPrev: ledger.At(2, 0), Source: uint8(ledger.OriginalReversal)}, leg(-300, 400, ledger.At(2, 0)))
	for name, c := range map[string]struct {
		list []*ledger.Effects
		want string
	}{
		"redone":             {[]*ledger.Effects{credit, settled, cancel(ledger.At(2, 0)), redo(ledger.At(3, 0)), cancel(ledger.At(4, 0))}, ""},
		"redone, not undone": {[]*ledger.Effects{credit, settled, settledAgain}, "not undone"},
		"cancelled twice": {[]*ledger.Effects{credit, settled, cancel(ledger.At(2, 0)), redo(ledger.At(3, 0)), cancel(ledger.At(4, 0)),
			effects(ledger.Effect{Kind: ledger.KindReversalByID, Own: 300, First: ledger.At(2, 0), InstPrev: ledger.At(5, 0)}, leg(300, 1300, ledger.At(5, 0)))}, "undone again"},
		"premium":          {[]*ledger.Effects{credit, effects(premium, leg(-400, 600, first))}, ""},
		"premium too dear": {[]*ledger.Effects{credit, effects(premium, leg(-401, 599, first))}, "does not balance"},
		"broken chain":     {[]*ledger.Effects{credit, effects(premium, leg(-400, 600, 0))}, "posting on account"},
		"below 0":          {[]*ledger.Effects{effects(premium, leg(-400, -400, 0))}, "posting on account"},
		"refund":           {[]*ledger.Effects{credit, effects(premium, leg(-400, 600, first)), effects(refund, leg(400, 1000, ledger.At(2, 0)))}, ""},
		"refunded twice": {[]*ledger.Effects{credit, effects(premium, leg(-400, 600, first)), effects(refund, leg(400, 1000, ledger.At(2, 0))),
			effects(refund, leg(400, 1400, ledger.At(3, 0)))}, "undone again"},
		"debit":             {[]*ledger.Effects{credit, effects(ledger.Effect{Kind: ledger.KindAccountDebit, Funding: 1000, Source: 2}, leg(-1000, 0, first))}, ""},
		"debit of one side": {[]*ledger.Effects{credit, effects(ledger.Effect{Kind: ledger.KindAccountDebit, Source: 2}, leg(-1000, 0, first))}, "does not balance"},
		"clearing":          {[]*ledger.Effects{effects(ledger.Effect{Kind: ledger.KindClearing, Funding: 70, Institution: 3})}, ""},
		"clearing by a leg": {[]*ledger.Effects{credit, effects(ledger.Effect{Kind: ledger.KindClearing, Funding: 70}, leg(-70, 930, first))}, "does not balance"},
		"institution's chain": {[]*ledger.Effects{effects(ledger.Effect{Kind: ledger.KindSettlement, Institution: 3}),
			effects(ledger.Effect{Kind: ledger.KindSettlement, Institution: 3, InstPrev: first})}, ""},
		"institution's chain broken": {[]*ledger.Effects{effects(ledger.Effect{Kind: ledger.KindSettlement, Institution: 3}),
			effects(ledger.Effect{Kind: ledger.KindSettlement, Institution: 3})}, "entry of institution 3"},
	} {
		fold := reconcile.NewFold()
		var err error
		for i, fx := range c.list {
			if err = fold.Add(uint64(i+1), fx); err != nil {
				break
			}
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestCompare: what is held is compared with the postings, account by account and kind by kind.
func TestCompare(t *testing.T) {
	crossing := leg(-400, 600, ledger.At(1, 0))
	crossing.Area = 420500
	list := []*ledger.Effects{
		effects(ledger.Effect{Kind: ledger.KindCredit, Funding: 1000, Source: 1}, leg(1000, 1000, 0)),
		effects(ledger.Effect{Kind: ledger.KindPremium, Funding: 400, Source: 1, Area: 420100}, crossing),
	}
	fold := reconcile.NewFold()
	s := ledger.NewState(ledger.DefaultShifts)
	s.AddPerson(ledger.Key{1}, ledger.Key{2}, ledger.Summary{Flags: ledger.HasAccount})
	for i, fx := range list {
		if err := fold.Add(uint64(i+1), fx); err != nil {
			t.Fatal(err)
		}
		ledger.PostLeg(s, &fx.Legs[0], ledger.At(uint64(i+1), 0))
		ledger.PostSums(s, 100, &fx.List[0], fx, ledger.At(uint64(i+1), 0))
	}
	if err := fold.Compare(s); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(back int64){
		"balance": func(n int64) { s.Persons.Mut(0).Balance += n },
		"premium": func(n int64) { s.Scalars.Mut(0).Premium[1] += n },
		"other":   func(n int64) { s.Scalars.Mut(0).Premium[2] += n; s.Scalars.Mut(0).Bank[1] -= n }, // accounts the journal never touched
		"due":     func(n int64) { s.AreaDues.Mut(0).Total += n },
	} {
		spoil(1)
		if err := fold.Compare(s); err == nil {
			t.Errorf("%s: one fen more was not found", name)
		}
		spoil(-1)
	}
	if err := fold.Compare(s); err != nil {
		t.Fatal(err)
	}
}

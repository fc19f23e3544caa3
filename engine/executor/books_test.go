package executor_test

import (
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

// TestBooks: after every single command the sum over all accounts of all kinds is 0, and the postings fold to what is held (P1, P9, R11, R18, R25, R26).
func TestBooks(t *testing.T) {
	g := model.NewGenerator(1)
	r := newRunner(0)
	fold := reconcile.NewFold()
	steps := g.Setup()
	const commands = 2000 // short or not: with fewer a premium over areas may be missing
	var premium, debited, cleared, crossed, redone int
	for range commands {
		steps = append(steps, g.MixedBatch(1))
	}
	for _, s := range steps {
		fx := r.run(t, s.Batch, oracle.Encode(s.Batch))
		for i := range fx.List {
			f := &fx.List[i]
			switch {
			case f.IsRedo():
				redone++
			case f.Outcome != ledger.Accepted:
			case f.Kind == ledger.KindPremium:
				premium++
			case f.Kind == ledger.KindAccountDebit:
				debited++
			case f.Kind == ledger.KindClearing:
				cleared++
			}
			for _, l := range fx.LegsOf(f) {
				if l.Area != 0 {
					crossed++
				}
			}
		}
		if sum := r.state.Totals().Sum(); sum != 0 {
			t.Fatalf("batch %d: accounts add to %d fen: %+v", s.Batch.Sequence, sum, r.state.Totals())
		}
		if err := fold.Add(s.Batch.Sequence, fx); err != nil {
			t.Fatal(err)
		}
		if err := fold.Compare(r.state); err != nil {
			t.Fatalf("batch %d: %v", s.Batch.Sequence, err)
		}
	}
	if premium*debited*cleared*crossed*redone == 0 {
		t.Fatalf("vacuous: %d premiums, %d account debits, %d clearings, %d legs over areas, %d redone", premium, debited, cleared, crossed, redone)
	}
}

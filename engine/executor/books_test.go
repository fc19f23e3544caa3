package executor_test

import (
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/reconcile"
)

// TestBooks: after every single command the sum over all accounts of all kinds is 0, and the postings fold to what is held (P1, P9, R18, R25, R26).
func TestBooks(t *testing.T) {
	g := model.NewGenerator(1)
	r := newRunner(0)
	fold := reconcile.NewFold()
	steps := g.Setup()
	const commands = 2000 // short or not: with fewer a premium over areas may be missing
	var premiums, areas, bank int
	for range commands {
		steps = append(steps, g.MixedBatch(1))
	}
	for _, s := range steps {
		fx := r.run(t, s.Batch, oracle.Encode(s.Batch))
		if sum := r.state.Totals().Sum(); sum != 0 {
			t.Fatalf("batch %d: accounts add to %d fen: %+v", s.Batch.Sequence, sum, r.state.Totals())
		}
		totals := r.state.Totals()
		premiums, areas, bank = premiums+min(1, int(totals.Premium)), areas+min(1, int(totals.AreaOwed)), bank+min(1, int(totals.FundBank))
		if err := fold.Add(s.Batch.Sequence, fx); err != nil {
			t.Fatal(err)
		}
		if err := fold.Compare(r.state); err != nil {
			t.Fatalf("batch %d: %v", s.Batch.Sequence, err)
		}
	}
	if premiums == 0 || areas == 0 || bank == 0 {
		t.Fatalf("vacuous: premiums stood after %d batches, dues of areas after %d, debits after %d", premiums, areas, bank)
	}
}

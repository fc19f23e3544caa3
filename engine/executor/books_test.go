package executor_test

import (
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/reconcile"
)

// TestBooks: after every single command the sum over all accounts of all kinds is 0, and the postings fold to what is held (P1, P9, R18, R25, R26).
func TestBooks(t *testing.T) {
	g := model.NewGenerator(2)
	r := newRunner(0)
	fold := reconcile.NewFold()
	steps := g.Setup()
	commands := 800 // short or not: with fewer a premium over areas may be missing
	for range commands {
		steps = append(steps, g.MixedBatch(1))
	}
	var bank, premium, owed int
	for _, s := range steps {
		fx := r.run(t, s.Batch, oracle.Encode(s.Batch))
		if sum := r.state.Totals().Sum(); sum != 0 {
			t.Fatalf("batch %d: accounts add to %d fen: %+v", s.Batch.Sequence, sum, r.state.Totals())
		}
		totals := r.state.Totals()
		bank, premium, owed = bank+holds(totals.FundBank), premium+holds(totals.Premium), owed+holds(totals.AreaOwed)
		if err := fold.Add(s.Batch.Sequence, fx); err != nil {
			t.Fatal(err)
		}
		if err := fold.Compare(r.state); err != nil {
			t.Fatalf("batch %d: %v", s.Batch.Sequence, err)
		}
	}
	if bank == 0 || premium == 0 || owed == 0 {
		t.Fatalf("vacuous: batches with money in the fund bank %d, premiums %d, area dues %d", bank, premium, owed)
	}
}

func holds(fen int64) int {
	if fen != 0 {
		return 1
	}
	return 0
}

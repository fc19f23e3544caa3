package oracle

import (
	"fmt"

	"gongji/bench/model"
	"gongji/engine/ledger"
)

// Compare reports the first difference between the model's results and the engine's effects of one batch.
func Compare(b model.Batch, want []model.Result, fx *ledger.Effects) error {
	if len(want) != len(fx.List) {
		return fmt.Errorf("batch %d: %d results, %d effects", b.Sequence, len(want), len(fx.List))
	}
	for i := range want {
		if err := compareOne(&want[i], &fx.List[i], fx); err != nil {
			return fmt.Errorf("batch %d command %d kind %d %+v: %w", b.Sequence, i, b.Commands[i].Kind(), b.Commands[i], err)
		}
	}
	return nil
}

func compareOne(want *model.Result, f *ledger.Effect, fx *ledger.Effects) error {
	if want.Outcome != int(f.Outcome) {
		return fmt.Errorf("outcome %d, model says %d", f.Outcome, want.Outcome)
	}
	got := model.Result{Outcome: int(f.Outcome), Number: f.Number, Prev: uint64(f.Prev), Visit: uint64(f.Visit)}
	switch {
	case f.Outcome == ledger.Repeated:
		got.First = uint64(f.First)
	case f.First != 0:
		got.Original = uint64(f.First)
	}
	if f.Kind == ledger.KindSettlement && (f.Outcome == ledger.Accepted || f.Outcome == ledger.AmountChanged) {
		got.Payable, got.Own, got.Mulaid, got.Cash, got.Balc = f.Payable, f.Own, f.Mulaid, f.Cash, f.Balc
	} else {
		got.Balc = f.Balc
	}
	switch f.Kind {
	case ledger.KindCredit, ledger.KindAccountDebit, ledger.KindPremium, ledger.KindPremiumRefund: // these have another meaning of it
	default:
		got.State = f.Source
	}
	if got.State != want.State {
		return fmt.Errorf("state %d, model says %d", got.State, want.State)
	}
	number := want.Number
	if f.Kind == ledger.KindRunOpen {
		number = got.Number // the model gives runs no numbers
	}
	if got.First != want.First || got.Original != want.Original || got.Number != number || got.Payable != want.Payable || got.Own != want.Own ||
		got.Prev != want.Prev || got.Visit != want.Visit || got.Mulaid != want.Mulaid || got.Cash != want.Cash || got.Balc != want.Balc {
		return fmt.Errorf("got %+v, model says %+v", got, *want)
	}
	return compareLists(want, f, fx)
}

func compareLists(want *model.Result, f *ledger.Effect, fx *ledger.Effects) error {
	legs, items := fx.LegsOf(f), fx.ItemsOf(f)
	if len(legs) != len(want.Legs) || len(items) != len(want.Items) {
		return fmt.Errorf("%d legs %d items, model says %d and %d", len(legs), len(items), len(want.Legs), len(want.Items))
	}
	for i, l := range legs {
		if m := (model.Leg{Account: uint64(l.Account), Amount: l.Amount, After: l.After, Prev: uint64(l.Prev), Area: l.Area}); m != want.Legs[i] {
			return fmt.Errorf("leg %d %+v, model says %+v", i, m, want.Legs[i])
		}
	}
	drawn := fx.DrawOf(f)
	if len(drawn) != len(want.Drawn) {
		return fmt.Errorf("%d candidates drawn, model says %d", len(drawn), len(want.Drawn))
	}
	for i, c := range drawn {
		if m := (model.Candidate{Person: c.Person, Rank: int(c.Rank)}); m != want.Drawn[i] {
			return fmt.Errorf("candidate %d %+v, model says %+v", i, m, want.Drawn[i])
		}
	}
	for i, it := range items {
		if m := (model.UnbindResult{Binding: it.Binding, Outcome: int(it.Outcome), EarliestDay: it.Earliest}); m != want.Items[i] {
			return fmt.Errorf("item %d %+v, model says %+v", i, m, want.Items[i])
		}
	}
	return nil
}

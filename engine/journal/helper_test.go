package journal

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"gongji/engine/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, _ ...any) {
	panic(format)
}

func openStore(t testing.TB) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), DisableWAL: true, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// size draws a number of up to 64 bits, every length equally likely: both sides of each varint boundary come up.
func size(r *rand.Rand, bitsMax int) uint64 {
	n := r.IntN(bitsMax + 1)
	if n == 0 {
		return 0
	}
	x := r.Uint64() >> (64 - n)
	if r.IntN(8) == 0 {
		x = 1<<n - 1
	}
	return x
}

func position(r *rand.Rand, sequence uint64) ledger.Position {
	if r.IntN(3) == 0 {
		return 0
	}
	return ledger.At(1+r.Uint64N(sequence), r.IntN(ledger.CommandsMax))
}

// add appends a random effect to fx, legs and items anywhere in the arenas. It need not make sense to the rules.
func add(r *rand.Rand, sequence uint64, fx *ledger.Effects) {
	f := ledger.Effect{Kind: ledger.Kind(1 + r.IntN(int(ledger.KindLast))), Outcome: ledger.Outcome(1 + r.IntN(990)), Patient: uint32(size(r, 27))}
	if r.IntN(2) == 0 {
		f.Outcome = ledger.Accepted
	}
	for range r.IntN(3) { // holes that belong to nobody
		fx.Legs, fx.Items, fx.Draws = append(fx.Legs, ledger.Leg{Amount: 7}), append(fx.Items, ledger.Item{Binding: 7}), append(fx.Draws, ledger.Candidate{Rank: 77})
	}
	addDraw(r, &f, fx)
	f.LegAt, f.LegCount = uint32(len(fx.Legs)), uint16(r.IntN(5))
	if r.IntN(20) == 0 {
		f.LegCount = 33
	}
	for i := range int(f.LegCount) {
		l := ledger.Leg{Account: ledger.Account(ledger.AccountKind(1+r.IntN(7)), uint32(size(r, 32))), Amount: int64(size(r, 64)), After: int64(size(r, 63)), Prev: position(r, sequence)}
		if r.IntN(20) == 0 { // the payer is insured elsewhere
			l.Area, f.Area = uint32(size(r, 20)), uint32(size(r, 20))
		}
		if i == 0 && r.IntN(2) == 0 {
			l.Account = ledger.Account(ledger.KindPersonal, f.Patient)
		}
		fx.Legs = append(fx.Legs, l)
		f.Mulaid -= l.Amount
	}
	if r.IntN(2) == 0 { // a settlement as the rules make them
		f.Kind, f.Outcome, f.Own = ledger.KindSettlement, ledger.Accepted, 0
		f.Institution, f.Payable, f.Cash, f.Balc = uint32(size(r, 32)), int64(size(r, 64)), int64(size(r, 64)), int64(size(r, 64))
		if f.Chained() {
			f.Prev = position(r, sequence)
		}
		if r.IntN(10) == 0 { // of a visit with lines
			f.Visit, f.Number = position(r, sequence), uint32(size(r, 10))
		}
		fx.List = append(fx.List, f)
		return
	}
	number := func() int64 { return int64(size(r, 64)) * int64(r.IntN(2)) }
	f.Number, f.Institution, f.Run, f.Source = uint32(number()), uint32(number()), uint32(number()), uint8(number())
	f.Payable, f.Own, f.Cash, f.Balc, f.Funding = number(), number(), number(), number(), number()
	f.First, f.Prev, f.Visit = position(r, sequence), position(r, sequence), position(r, sequence)
	f.ItemAt, f.ItemCount = uint32(len(fx.Items)), uint16(r.IntN(4))
	for range f.ItemCount {
		fx.Items = append(fx.Items, ledger.Item{Binding: uint32(size(r, 32)), Outcome: ledger.Outcome(r.IntN(1000)), Earliest: int32(size(r, 32))})
	}
	fx.List = append(fx.List, f)
}

// addDraw gives one effect in three a drawn order, a few of them the longest.
func addDraw(r *rand.Rand, f *ledger.Effect, fx *ledger.Effects) {
	if r.IntN(3) != 0 {
		return
	}
	n := 1 + r.IntN(4)
	if r.IntN(10) == 0 {
		n = ledger.RelativesMax
	}
	f.DrawAt, f.DrawCount = uint32(len(fx.Draws)), uint8(n)
	for _, rank := range r.Perm(n) {
		fx.Draws = append(fx.Draws, ledger.Candidate{Person: uint32(size(r, 32)), Rank: uint8(rank)})
	}
}

// batch draws the effects of a batch.
func batch(r *rand.Rand, sequence uint64, n int) *ledger.Effects {
	fx := &ledger.Effects{}
	for range n {
		add(r, sequence, fx)
	}
	return fx
}

// typical is n accepted settlements with one leg, as a province at noon has them.
func typical(r *rand.Rand, sequence uint64, n int) *ledger.Effects {
	fx := &ledger.Effects{}
	for i := range n {
		f := ledger.Effect{Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Patient: r.Uint32N(100_000_000), Institution: r.Uint32N(40_000),
			Payable: 500 + r.Int64N(60_000), Cash: r.Int64N(2) * r.Int64N(20_000), LegAt: uint32(i), LegCount: 1}
		l := ledger.Leg{Account: ledger.Account(ledger.KindPersonal, f.Patient), Amount: -f.Payable, After: r.Int64N(1_000_000),
			Prev: ledger.At(sequence-r.Uint64N(min(sequence, 1_000_000)), r.IntN(4096))}
		if i%3 == 0 { // a relative pays
			f.Mulaid, l.Account = f.Payable, ledger.Account(ledger.KindPersonal, f.Patient+r.Uint32N(4))
		} else {
			f.Own, f.Balc = f.Payable, l.After
		}
		fx.List, fx.Legs = append(fx.List, f), append(fx.Legs, l)
	}
	return fx
}

// same compares effects in log order, wherever their legs lie.
func same(t *testing.T, want, got *ledger.Effects) {
	t.Helper()
	if len(want.List) != len(got.List) {
		t.Fatalf("%d effects, want %d", len(got.List), len(want.List))
	}
	for i := range want.List {
		sameEffect(t, i, want, &got.List[i], got.LegsOf(&got.List[i]), got.ItemsOf(&got.List[i]))
		sameDraw(t, i, want, got.DrawOf(&got.List[i]))
	}
}

func sameEffect(t *testing.T, i int, want *ledger.Effects, f *ledger.Effect, legs []ledger.Leg, items []ledger.Item) {
	t.Helper()
	w, g := want.List[i], *f
	w.LegAt, w.ItemAt, w.DrawAt, g.LegAt, g.ItemAt, g.DrawAt = 0, 0, 0, 0, 0, 0
	if w != g {
		t.Fatalf("effect %d: %+v, want %+v", i, g, w)
	}
	wantLegs, wantItems := want.LegsOf(&want.List[i]), want.ItemsOf(&want.List[i])
	if len(wantLegs) != len(legs) || len(wantItems) != len(items) {
		t.Fatalf("effect %d: %d legs, %d items, want %d, %d", i, len(legs), len(items), len(wantLegs), len(wantItems))
	}
	for j := range legs {
		if legs[j] != wantLegs[j] {
			t.Fatalf("effect %d leg %d: %+v, want %+v", i, j, legs[j], wantLegs[j])
		}
	}
	for j := range items {
		if items[j] != wantItems[j] {
			t.Fatalf("effect %d item %d: %+v, want %+v", i, j, items[j], wantItems[j])
		}
	}
}

func sameDraw(t *testing.T, i int, want *ledger.Effects, drawn []ledger.Candidate) {
	t.Helper()
	if w := want.DrawOf(&want.List[i]); !slices.Equal(w, drawn) {
		t.Fatalf("effect %d: drawn %v, want %v", i, drawn, w)
	}
}

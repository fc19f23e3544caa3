package journal

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
)

// book posts random legs on a few accounts and keeps by hand what a statement must show.
type book struct {
	r      *rand.Rand
	last   map[ledger.AccountID]ledger.Position
	after  map[ledger.AccountID]int64
	lines  map[ledger.AccountID][]Line // oldest first
	others int                         // entries without a posting
}

func newBook(r *rand.Rand) *book {
	return &book{r: r, last: map[ledger.AccountID]ledger.Position{}, after: map[ledger.AccountID]int64{}, lines: map[ledger.AccountID][]Line{}}
}

// batch makes n commands; every account is posted at most once a command.
func (k *book) batch(sequence uint64, timeMS int64, n int) *ledger.Effects {
	fx := &ledger.Effects{}
	for i := range n {
		f := ledger.Effect{Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Patient: k.r.Uint32N(5), Institution: k.r.Uint32N(3), LegAt: uint32(len(fx.Legs))}
		if k.r.IntN(4) == 0 {
			f.Outcome, f.Patient = ledger.ShortOfFunds, 0
		} else {
			for _, number := range k.r.Perm(6)[:k.r.IntN(4)] {
				k.post(fx, &f, ledger.At(sequence, i), timeMS, ledger.Account(ledger.AccountKind(1+number%2), uint32(number/2)))
			}
			if f.Chained() { // paid by others: an entry of the patient's without a posting
				a := ledger.Account(ledger.KindPersonal, f.Patient)
				f.Prev, f.Balc = k.last[a], k.after[a]
				k.keep(&f, ledger.At(sequence, i), timeMS, a, 0)
				k.others++
			}
		}
		fx.List = append(fx.List, f)
	}
	return fx
}

func (k *book) post(fx *ledger.Effects, f *ledger.Effect, at ledger.Position, timeMS int64, a ledger.AccountID) {
	amount := k.r.Int64N(1000) - 300
	if k.after[a]+amount < 0 || amount == 0 {
		amount = 1
	}
	k.after[a] += amount
	fx.Legs = append(fx.Legs, ledger.Leg{Account: a, Amount: amount, After: k.after[a], Prev: k.last[a]})
	f.LegCount++
	if a == ledger.Account(ledger.KindPersonal, f.Patient) {
		f.Own -= amount
	} else {
		f.Mulaid -= amount
	}
	k.keep(f, at, timeMS, a, amount)
}

func (k *book) keep(f *ledger.Effect, at ledger.Position, timeMS int64, a ledger.AccountID, amount int64) {
	k.last[a] = at
	k.lines[a] = append(k.lines[a], Line{Position: at, TimeMS: timeMS, Kind: f.Kind, Outcome: f.Outcome, Amount: amount, After: k.after[a], Patient: f.Patient, Institution: f.Institution})
}

func TestStatement(t *testing.T) {
	db := openStore(t)
	j := New(db, 0)
	k := newBook(rand.New(rand.NewPCG(1, 1)))
	for sequence := uint64(1); sequence <= 60; sequence++ {
		timeMS := int64(sequence) * 1000
		if err := j.Write(sequence, Append(nil, sequence, timeMS, k.batch(sequence, timeMS, k.r.IntN(150)))); err != nil {
			t.Fatal(err)
		}
	}
	walked := 0
	for account, want := range k.lines {
		for at, left := k.last[account], len(want); ; {
			lines, next, err := j.Statement(account, at, 1+k.r.IntN(300))
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lines {
				left--
				walked++
				if l != want[left] {
					t.Fatalf("account %x line %d: %+v, want %+v", uint64(account), left, l, want[left])
				}
			}
			if at = next; at == 0 {
				if left != 0 {
					t.Fatalf("account %x: %d lines missing", uint64(account), left)
				}
				break
			}
		}
	}
	if walked < 1000 || k.others < 100 {
		t.Fatalf("vacuous: %d lines, %d of them paid by others", walked, k.others)
	}
	for _, limit := range []int{0, -1, StatementLinesMax + 1} {
		if _, _, err := j.Statement(0, 0, limit); err == nil {
			t.Errorf("limit %d accepted", limit)
		}
	}
	var corrupt *CorruptionError
	if _, _, err := j.Statement(ledger.Account(1, 99), ledger.At(7, 0), 5); !errors.As(err, &corrupt) || corrupt.Sequence != 7 {
		t.Errorf("a chain that is not the account's: %v", err)
	}
}

// TestStatementTwice: an entry may have two postings on one account, the later one naming the entry itself (R24: a reversal to a dissolved family
// whose creator is the patient). Both are told, newest first, and the walk goes on before the first.
func TestStatementTwice(t *testing.T) {
	j := New(openStore(t), 0)
	a, family := ledger.Account(ledger.KindPersonal, 3), ledger.Account(ledger.KindFamily, 0)
	var fx ledger.Effects
	fx.List = []ledger.Effect{
		{Kind: ledger.KindCredit, Outcome: ledger.Accepted, LegCount: 1, LegAt: 0},
		{Kind: ledger.KindReversalByID, Outcome: ledger.Accepted, LegCount: 4, LegAt: 1},
	}
	first, second := ledger.At(1, 0), ledger.At(1, 1)
	fx.Legs = []ledger.Leg{
		{Account: a, Amount: 5, After: 5},
		{Account: a, Amount: 7, After: 12, Prev: first}, {Account: family, Amount: 9, After: 9}, {Account: family, Amount: -9, Prev: second},
		{Account: a, Amount: 9, After: 21, Prev: second},
	}
	if err := j.Write(1, Append(nil, 1, 0, &fx)); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 2, 5} {
		lines, next, err := j.Statement(a, second, limit)
		if err != nil {
			t.Fatal(err)
		}
		want := []int64{9, 7, 5}
		if limit < 3 {
			want = want[:2]
		}
		if len(lines) != len(want) || limit < 3 && next != first || limit == 5 && next != 0 {
			t.Fatalf("limit %d: %+v, next %d", limit, lines, next)
		}
		for i := range want {
			if lines[i].Amount != want[i] {
				t.Errorf("line %d is %+v", i, lines[i])
			}
		}
	}
	if lines, _, err := j.Statement(family, second, 5); err != nil || len(lines) != 2 || lines[0].Amount != -9 {
		t.Errorf("%+v, %v", lines, err)
	}
}

// TestStatementEnds gives an account a chain that bites its tail.
func TestStatementEnds(t *testing.T) {
	j := New(openStore(t), 0)
	a := ledger.Account(ledger.KindPersonal, 3)
	fx := &ledger.Effects{List: []ledger.Effect{{Kind: ledger.KindCredit, Outcome: ledger.Accepted, LegCount: 1}},
		Legs: []ledger.Leg{{Account: a, Amount: 1, After: 1, Prev: ledger.At(1, 0)}}}
	if err := j.Write(1, Append(nil, 1, 0, fx)); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptionError
	if _, _, err := j.Statement(a, ledger.At(1, 0), 10); !errors.As(err, &corrupt) {
		t.Errorf("endless chain: %v", err)
	}
}

const originalBatches = 30

func TestOriginal(t *testing.T) {
	db := openStore(t)
	j := New(db, 0)
	r := rand.New(rand.NewPCG(2, 2))
	var all []*ledger.Effects
	for sequence := uint64(1); sequence <= 2*originalBatches; sequence++ {
		fx := batch(r, sequence, r.IntN(150))
		all = append(all, fx)
		if err := j.Write(sequence, Append(nil, sequence, int64(sequence)*86_400_000, fx)); err != nil {
			t.Fatal(err)
		}
	}
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(3, uint64(w)))
			for range 2000 {
				p := ledger.At(r.Uint64N(2*originalBatches+3), r.IntN(160))
				f, legs, ok := j.Original(p)
				exists := p.Sequence() >= 1 && p.Sequence() <= 2*originalBatches && p.Index() < len(all[p.Sequence()-1].List)
				if ok != exists {
					t.Errorf("batch %d command %d: found %v, want %v", p.Sequence(), p.Index(), ok, exists)
					return
				}
				if !ok {
					continue
				}
				want := all[p.Sequence()-1]
				wantLegs := want.LegsOf(&want.List[p.Index()])
				if f.Kind != want.List[p.Index()].Kind || f.Outcome != want.List[p.Index()].Outcome || len(legs) != len(wantLegs) || f.Day != int32(p.Sequence()) {
					t.Errorf("batch %d command %d: %+v", p.Sequence(), p.Index(), f)
					return
				}
			}
		})
	}
	workers.Wait()
}

// TestReplaySeesNoFuture: after a crash, blocks of batches that are yet to be replayed lie in the store. The first run did not have them.
func TestReplaySeesNoFuture(t *testing.T) {
	db := openStore(t)
	r := rand.New(rand.NewPCG(4, 4))
	first := New(db, 0)
	for sequence := uint64(1); sequence <= 5; sequence++ {
		if err := first.Write(sequence, Append(nil, sequence, 0, batch(r, sequence, 3))); err != nil {
			t.Fatal(err)
		}
	}
	again := New(db, 2)
	if _, _, ok := again.Original(ledger.At(3, 0)); ok {
		t.Error("a reversal in replay found a settlement that comes later")
	}
	if _, err := again.Block(3); !errors.Is(err, ErrNotFound) {
		t.Errorf("block of the future: %v", err)
	}
	if _, _, ok := again.Original(ledger.At(2, 0)); !ok {
		t.Error("block of the past not found")
	}
	if err := again.Write(4, nil); !errors.Is(err, ErrOrder) {
		t.Errorf("a hole was written: %v", err)
	}
	if err := again.Write(2, nil); !errors.Is(err, ErrOrder) {
		t.Errorf("a batch was written again: %v", err)
	}
	if err := again.Write(3, Append(nil, 3, 0, batch(r, 3, 1))); err != nil {
		t.Fatal(err)
	}
	if b, err := again.Block(3); err != nil || b.Count != 1 || again.Applied() != 3 {
		t.Errorf("block 3 after replay: %+v, %v", b, err)
	}
}

// TestUnreadable: what cannot be read is never an answer.
func TestUnreadable(t *testing.T) {
	db := openStore(t)
	good := Append(nil, 3, 0, batch(rand.New(rand.NewPCG(5, 5)), 3, 4))
	damaged := append([]byte(nil), good...)
	damaged[len(damaged)/2] ^= 1
	for sequence, value := range map[uint64][]byte{2: damaged, 3: good, 4: good, 5: {}} {
		if err := db.Set(appendKey(nil, sequence), value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	j := New(db, 5)
	for _, sequence := range []uint64{1, 2, 4, 5} {
		var corrupt *CorruptionError
		if _, err := j.Block(sequence); !errors.As(err, &corrupt) || corrupt.Sequence != sequence {
			t.Errorf("block %d: %v", sequence, err)
		}
		func() {
			defer func() {
				failure, ok := recover().(*Failure)
				if !ok || !errors.As(failure, &corrupt) {
					t.Errorf("block %d: original did not fail", sequence)
				}
			}()
			j.Original(ledger.At(sequence, 0))
		}()
	}
	if _, _, ok := j.Original(ledger.At(3, 0)); !ok {
		t.Error("the good block was not found")
	}
}

// BenchmarkOriginal reads originals scattered over many blocks: the cache of recent blocks does not help.
func BenchmarkOriginal(b *testing.B) {
	j := New(openStore(b), 0)
	fx := typical(rand.New(rand.NewPCG(13, 14)), 50_000_000, 4096)
	for sequence := uint64(1); sequence <= 400; sequence++ {
		for i := range fx.Legs {
			fx.Legs[i].Prev = 0
		}
		if err := j.Write(sequence, Append(nil, sequence, 1, fx)); err != nil {
			b.Fatal(err)
		}
	}
	i := uint64(0)
	perSettlement(b, 1, func() {
		i += 97
		if _, _, ok := j.Original(ledger.At(1+i%400, int(i%4096))); !ok {
			b.Fatal("lost")
		}
	})
}

package drawproof

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gongji/api/ids"
	"gongji/engine/ledger"
)

// TestOrderGolden: the expected orders come from a few lines of Python (hmac, struct) written from engine/ledger/DESIGN.md 5.
func TestOrderGolden(t *testing.T) {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	f := func(sequence uint64, index uint32, want ...int) {
		t.Helper()
		if got := Order(key, sequence, index, len(want)); !slices.Equal(got, want) {
			t.Errorf("(%d, %d): %v, want %v", sequence, index, got, want)
		}
	}
	f(7, 3, 0)
	f(7, 3, 2, 4, 1, 0, 3)
	f(7, 3, 0, 2, 3, 8, 4, 5, 7, 1, 9, 11, 10, 6)
	f(1<<40+1, 1048575, 14, 30, 19, 27, 13, 4, 2, 31, 9, 23, 22, 26, 0, 16, 18, 29, 8, 3, 17, 12, 24, 25, 11, 1, 7, 5, 20, 10, 15, 28, 21, 6)
}

// TestOrderIsTheLedgersDraw: two programs written from engine/ledger/DESIGN.md 5 agree (D2, D3, P10).
func TestOrderIsTheLedgersDraw(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var key [ledger.DayKeyBytes]byte
		for i := range key {
			key[i] = byte(random.Uint32())
		}
		n, sequence, index := 1+random.IntN(CandidatesMax), random.Uint64()>>20, random.Uint32()>>12
		drawn := make([]ledger.Candidate, n)
		ledger.Draw(&key, ledger.At(sequence, int(index)), make([]ledger.AccountID, n), drawn)
		for i, rank := range Order(key[:], sequence, index, n) {
			if rank != int(drawn[i].Rank) {
				t.Fatalf("n %d sequence %d index %d: place %d is %d, the ledger has %d", n, sequence, index, i, rank, drawn[i].Rank)
			}
		}
	}
}

// honest is a proof as an honest ledger gives it: five candidates, the first of whom in drawn order has no money.
func honest() *Proof {
	key := sha256.Sum256([]byte("a day"))
	hash, text := sha256.Sum256(key[:]), hex.EncodeToString(key[:])
	p := &Proof{SetlID: string(ids.AppendSettlement(nil, 41<<20|7)), SetlTime: time.Date(2026, 3, 10, 23, 30, 0, 0, zone), Sequence: 41, Index: 7, Day: "2026-03-10", KeyLogged: time.Date(2026, 3, 2, 12, 0, 0, 0, zone),
		Label: "gongji draw 0", KeyHash: hex.EncodeToString(hash[:]), Key: &text, Candidates: []string{"a", "b", "c", "d", "e"}, Mulaid: "30.05"}
	for _, i := range Order(key[:], 41, 7, 5) {
		p.Drawn = append(p.Drawn, p.Candidates[i])
	}
	p.Paid = []Payment{{p.Drawn[1], "30.00"}, {p.Drawn[3], "0.05"}}
	return p
}

// TestPlanted (R28, P10, 16.2): an honest proof passes, and each thing that could be turned is found and named.
func TestPlanted(t *testing.T) {
	told := honest().KeyHash
	if d, err := honest().Check(told); err != nil || len(d) > 0 {
		t.Fatalf("honest proof: %v %v", d, err)
	}
	other := strings.Repeat("ab", 32)
	otherSum := sha256.Sum256(slices.Repeat([]byte{0xab}, 32))
	f := func(name, says string, plant func(p *Proof)) {
		t.Helper()
		p := honest()
		plant(p)
		d, err := p.Check(told)
		if err != nil || !strings.Contains(strings.Join(d, "\n"), says) {
			t.Errorf("%s: %q %v, want %q", name, d, err, says)
		}
	}
	f("wrong key", "the key has the hash", func(p *Proof) { p.Key = &other })
	f("wrong hash", "the key has the hash", func(p *Proof) { p.KeyHash = hex.EncodeToString(otherSum[:]) })
	f("another key with its own hash", "told before the day was over", func(p *Proof) { p.Key, p.KeyHash = &other, hex.EncodeToString(otherSum[:]) })
	f("no key", "not 32 bytes", func(p *Proof) { p.Key = new(string) })
	f("steered order", "place 1 of the drawn order", func(p *Proof) { p.Drawn[0], p.Drawn[1] = p.Drawn[1], p.Drawn[0] })
	f("steered binding order", "the key draws candidate", func(p *Proof) { p.Candidates[0], p.Candidates[4] = p.Candidates[4], p.Candidates[0] })
	f("somebody left out", "allowed are 1 to 32", func(p *Proof) { p.Drawn = p.Drawn[:4] })
	f("somebody left out of both", "place", func(p *Proof) {
		p.Candidates, p.Drawn = p.Candidates[:4], slices.DeleteFunc(p.Drawn, func(s string) bool { return s == "e" })
	})
	f("twice", "stands twice", func(p *Proof) { p.Candidates[1] = p.Candidates[0] })
	f("nobody", "0 candidates", func(p *Proof) { p.Candidates, p.Drawn, p.Paid = nil, nil, nil })
	f("another place in the log", "setl_id is (41, 7)", func(p *Proof) { p.Index = 8 })
	f("another batch", "setl_id is (41, 7)", func(p *Proof) { p.Sequence = 42 })
	f("bad id", "setl_id", func(p *Proof) { p.SetlID = "S" })
	f("another day's key", "the settlement is of 2026-03-10", func(p *Proof) { p.Day = "2026-03-09" })
	f("time in another zone", "the settlement is of 2026-03-11", func(p *Proof) { p.SetlTime = p.SetlTime.Add(time.Hour).UTC() })
	f("key made afterwards", "after the settlement", func(p *Proof) { p.KeyLogged = p.SetlTime.Add(time.Minute) })
	f("another function", "the label is", func(p *Proof) { p.Label = "gongji draw 1" })
	f("paid out of turn", "out of his turn", func(p *Proof) { p.Paid[0], p.Paid[1] = p.Paid[1], p.Paid[0] })
	f("paid twice", "out of his turn", func(p *Proof) { p.Paid[1].Name = p.Paid[0].Name })
	f("paid undrawn", "not drawn at all", func(p *Proof) { p.Paid[1].Name = "z" })
	f("a fen less", "add to 30.04", func(p *Proof) { p.Paid[1].Amount = "0.04" })
	f("nothing paid", "paid \"0.00\"", func(p *Proof) { p.Paid[1].Amount = "0.00" })
	f("sum", "acct_mulaid_pay", func(p *Proof) { p.Mulaid = "x" })
}

func TestDaysAhead(t *testing.T) {
	p := honest()
	if n := p.DaysAhead(); n != 7 {
		t.Errorf("%d days, want 7", n)
	}
	p.KeyLogged = p.SetlTime.Add(-time.Hour) // on the day itself
	if n := p.DaysAhead(); n != 0 {
		t.Errorf("%d days, want 0", n)
	}
}

func TestUnpublished(t *testing.T) {
	p := honest()
	p.Key = nil
	if _, err := p.Check(""); !errors.Is(err, ErrNotPublished) {
		t.Errorf("%v, want %v", err, ErrNotPublished)
	}
}

func TestParse(t *testing.T) {
	text, err := json.Marshal(honest())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := p.Check(p.KeyHash); err != nil || len(d) > 0 {
		t.Errorf("%v %v", d, err)
	}
	for _, bad := range []string{"", "{", "[]", "{}", `{"setl_id":"x"}`, `{"title":"Not found","code":"not_found"}`, string(text) + strings.Repeat(" ", BytesMax)} {
		if _, err := Parse([]byte(bad)); !errors.Is(err, ErrProof) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

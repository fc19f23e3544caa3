package ledger

import (
	"fmt"
	"testing"
)

// TestClearing: R17: closed days only, nothing twice, never more than is owed; what a reversal takes back afterwards is netted by the next payout.
func TestClearing(t *testing.T) {
	w := newWorld(t, nil) // days close at midnight
	w.person("a", 1000, 0)
	first := w.day
	paid := w.want(Accepted, billOf("a", 300))
	settled := At(w.sequence, 0)
	pay := func(from, to int32, clrType uint16, amount int64) Command {
		return Command{Kind: KindClearing, Institution: NewCode([]byte("H1")), Amount: amount, More: &More{Clearing: ClearingDays{From: from, To: to, ClrType: clrType}}}
	}
	owed := func(payable, bank int64) {
		t.Helper()
		if i, b := w.state().Balance(Account(KindInstitution, 0)), w.state().Balance(Account(KindFundBank, BankPayouts)); i != payable || b != bank {
			t.Fatalf("payable %d, bank %d, want %d and %d", i, b, payable, bank)
		}
	}
	elsewhere := pay(first, first, 0, 1)
	elsewhere.Institution = NewCode([]byte("H9"))
	w.want(UnknownInstitution, elsewhere)
	w.want(DayOpen, pay(first, first, 0, 300))
	w.day++
	w.want(DayOpen, pay(first, first, 0, 300)) // over, and not closed yet
	w.want(Accepted, Command{Kind: KindDayClose, Day: first})
	w.want(DayOpen, pay(first, first+1, 0, 300))
	for _, amount := range []int64{0, -1, AmountMax + 1} {
		w.want(AmountRange, pay(first, first, 0, amount))
	}
	w.want(AmountRange, pay(first, first-1, 0, 1))
	w.want(ClearingExceeds, pay(first, first, 0, 301))
	owed(300, 0)
	if f := w.want(Accepted, pay(first, first, 11, 200)); f.Number != 0 || f.Funding != 200 || f.Institution != paid.Institution {
		t.Fatalf("%+v", f)
	}
	owed(100, 200)
	w.want(AlreadyCleared, pay(first-5, first, 11, 1))
	w.want(AlreadyCleared, pay(first, first, 0, 1)) // all is some of it again
	w.want(Accepted, pay(first-1, first, 21, 100))
	w.want(AlreadyCleared, pay(first, first, 21, 1))
	owed(0, 300)
	w.want(Accepted, Command{Kind: KindReversalByID, Institution: NewCode([]byte("H1")), Person: psn("a"), Settlement: settled})
	owed(-300, 300)
	w.want(ClearingExceeds, pay(first-1, first-1, 11, 1))
	w.want(Accepted, billOf("a", 450))
	w.day++
	w.want(Accepted, Command{Kind: KindDayClose, Day: first + 1})
	w.want(ClearingExceeds, pay(first+1, first+1, 0, 451-300))
	w.want(Accepted, pay(first+1, first+1, 0, 450-300))
	owed(0, 450)
	var chain []uint32
	for n := w.state().Institutions.At(0).Clearings; n != 0; n = w.state().Clearings.At(n - 1).Before {
		chain = append(chain, n-1)
	}
	if len(chain) != 3 || chain[0] != 2 || chain[2] != 0 {
		t.Fatalf("chain %v", chain)
	}
	if c := w.state().Clearings.At(0); !c.Covers(first, 11) || c.Covers(first, 21) || c.Covers(first+1, 11) || c.Covers(first-1, 11) {
		t.Fatalf("%+v", c)
	}
}

// TestClearingRepeated: R10, R12: the same payout again is told and moves nothing; another under its id is refused.
func TestClearingRepeated(t *testing.T) {
	w := newWorld(t, nil)
	w.person("a", 1000, 0)
	w.want(Accepted, billOf("a", 300))
	w.day++
	w.want(Accepted, Command{Kind: KindDayClose, Day: w.day - 1})
	pay := Command{Kind: KindClearing, ID: K([]byte("p")), Digest: 1, Institution: NewCode([]byte("H1")), Amount: 10, More: &More{Clearing: ClearingDays{From: w.day - 1, To: w.day - 1}}}
	w.want(Accepted, pay)
	w.want(Repeated, pay)
	pay.Digest = 2
	w.want(IDReused, pay)
	if got := w.state().Balance(Account(KindInstitution, 0)); got != 290 {
		t.Fatal(got)
	}
}

// TestAreaIsFrozen: R16: clr_optins of a row is where its patient was insured when he was settled, whatever becomes of him; a reversal has that of its
// settlement.
func TestAreaIsFrozen(t *testing.T) {
	w := newWorld(t, nil)
	w.person("a", 1000, 0)
	move := func(area uint32) {
		w.want(Accepted, Command{Kind: KindPersonChange, Person: psn("a"), More: &More{Change: Change{Mask: ChangeArea, Area: area}}})
	}
	move(420100)
	if f := w.want(Accepted, billOf("a", 10)); f.Area != 420100 {
		t.Fatal(f.Area)
	}
	settled := At(w.sequence, 0)
	move(420500)
	if f := w.want(Accepted, billOf("a", 10)); f.Area != 420500 {
		t.Fatal(f.Area)
	}
	if f := w.want(Accepted, Command{Kind: KindReversalByID, Institution: NewCode([]byte("H1")), Person: psn("a"), Settlement: settled}); f.Area != 420100 {
		t.Fatal(f.Area)
	}
	short := billOf("a", 5000)
	short.Refuse = true
	if f := w.want(ShortOfFunds, short); f.Area != 0 || f.InstPrev != 0 {
		t.Fatalf("a refusal: %+v", f)
	}
}

// TestPayoutsLimit: R17: one sum of money that is spent, paid out and given back at one institution after the other leaves each of them owing it; payouts end
// before a sum wraps, and nothing else does.
func TestPayoutsLimit(t *testing.T) {
	w := newWorld(t, nil)
	w.person("a", 0, 0)
	w.want(Accepted, Command{Kind: KindCredit, Person: psn("a"), Amount: AmountMax, Source: 1})
	paid := int64(0)
	for n := 0; ; n++ {
		code := NewCode(fmt.Append(nil, "K", n))
		w.want(Accepted, Command{Kind: KindInstitutionAdd, Institution: code, InstitutionOf: 1})
		bill := billOf("a", AmountMax)
		bill.Institution = code
		w.want(Accepted, bill)
		settled := At(w.sequence, 0)
		w.day++
		w.want(Accepted, Command{Kind: KindDayClose, Day: w.day - 1})
		pay := Command{Kind: KindClearing, Institution: code, Amount: AmountMax, More: &More{Clearing: ClearingDays{From: w.day - 1, To: w.day - 1}}}
		if left := FundingMax - paid; left < AmountMax {
			w.want(AmountRange, pay)
			pay.Amount = left + 1
			w.want(AmountRange, pay)
			pay.Amount = left
			w.want(Accepted, pay)
			break
		}
		w.want(Accepted, pay)
		paid += AmountMax
		w.want(Accepted, Command{Kind: KindReversalByID, Institution: code, Person: psn("a"), Settlement: settled})
		w.balance("a", AmountMax)
	}
	if bank := w.state().Balance(Account(KindFundBank, BankPayouts)); bank != FundingMax {
		t.Errorf("%d fen paid out, want %d", bank, int64(FundingMax))
	}
}

package model

import "testing"

// The worked figures of decisions.md, written out by hand in fen.

func TestFigureX1(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("daughter", 500000)
	w.person("father", -1)
	w.bind("daughter", "father", 0)
	c := bill("father", 46000)
	c.Fund = 27600
	r := w.want(Accepted, c)
	same(t, "X1", r, Result{Outcome: Accepted, Payable: 18400, Mulaid: 18400,
		Legs:  []Leg{{Account: w.account("daughter"), Amount: -18400, After: 481600, Prev: Position(6, 0)}},
		Drawn: []Candidate{{Person: uint32(w.account("daughter"))}}}) // a draw of one
	if w.m.Balance(AccountID(AccountInstitution, 0)) != 18400 || w.m.Balance(AccountID(AccountFunding, 1)) != -500000 {
		t.Fatalf("balances %v", w.m.Balances())
	}
}

func TestFigureX1b(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("daughter", 500000)
	w.person("father", -1)
	w.bind("daughter", "father", 0)
	c := bill("father", 53000)
	c.Fulamt, c.Overlmt, c.Preselfpay, c.Inscp, c.Fund = 4500, 500, 2000, 46000, 27600
	r := w.want(Accepted, c)
	same(t, "figures", []int64{r.Payable, r.Own, r.Mulaid, r.Cash, r.Balc}, []int64{20400, 0, 20400, 5000, 0})
	w.balance("daughter", 479600)
}

func TestFigureX2(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("father", 30000)
	w.person("son", 0)
	w.bind("father", "son", 0)
	r := w.want(Accepted, bill("son", 10000))
	same(t, "figures", []int64{r.Payable, r.Own, r.Mulaid, r.Cash, r.Balc}, []int64{10000, 0, 10000, 0, 0})
	same(t, "legs", amounts(r.Legs), []int64{-10000})
	w.balance("father", 20000)
}

func TestFigureX3(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	w.person("third", 50000)
	w.person("first", 12000)
	w.person("second", 8005)
	w.person("patient", 4010)
	w.bind("third", "patient", 0) // none given: behind all others
	w.bind("second", "patient", 2)
	w.bind("first", "patient", 1)
	r := w.want(Accepted, bill("patient", 30000))
	same(t, "figures", []int64{r.Payable, r.Own, r.Mulaid, r.Cash, r.Balc}, []int64{30000, 4010, 25990, 0, 0})
	same(t, "legs", amounts(r.Legs), []int64{-4010, -12000, -8005, -5985})
	w.balance("third", 50000-5985)

	back := w.want(Accepted, ReversalByID{Settlement: Position(w.sequence, 0), Institution: "H1", Psn: psnOf("patient")})
	same(t, "returned", amounts(back.Legs), []int64{4010, 12000, 8005, 5985})
	same(t, "balc, original", []any{back.Balc, back.Original}, []any{int64(4010), Position(w.sequence-1, 0)})
	if w.m.Balance(AccountID(AccountInstitution, 0)) != 0 {
		t.Fatal("the institution keeps something")
	}
}

func TestSelfLastAndFlags(t *testing.T) {
	p := orderedSelfFirst
	p.SelfFirst, p.Flag1OwnOnly = false, true
	w := newWorld(t, p)
	w.person("mother", 700)
	w.person("child", 500)
	w.bind("mother", "child", 0)
	c := bill("child", 900)
	c.AcctUsedFlag = 2
	r := w.want(Accepted, c)
	same(t, "self last", amounts(r.Legs), []int64{-700, -200})
	same(t, "figures", []int64{r.Payable, r.Own, r.Mulaid, r.Cash, r.Balc}, []int64{900, 200, 700, 0, 300})
	w.want(Accepted, Credit{Psn: psnOf("mother"), Amount: 700, Source: 1})
	r = w.want(Accepted, bill("child", 900)) // flag 1: own only
	same(t, "own only", []int64{r.Payable, r.Own, r.Mulaid, r.Cash, r.Balc}, []int64{900, 300, 0, 600, 0})
	c.AcctUsedFlag = 0
	r = w.want(Accepted, c)
	same(t, "flag 0", []int64{r.Payable, r.Own, r.Mulaid, r.Cash}, []int64{0, 0, 0, 900})
	if r.Legs != nil {
		t.Fatalf("legs %v", r.Legs)
	}
	c = bill("child", 300)
	c.AcctUsedFlag, c.OnShortfall = 2, 1
	c.Expected = &Expected{AcctPay: 299, Cash: 1}
	r = w.want(AmountChanged, c)
	same(t, "changed", r, Result{Outcome: AmountChanged, Payable: 300, Mulaid: 300})
	c = bill("child", 701)
	c.AcctUsedFlag, c.OnShortfall = 2, 1
	same(t, "short", w.want(ShortOfFunds, c), Result{Outcome: ShortOfFunds})
	w.balance("mother", 700)
}

func TestPayable(t *testing.T) {
	// Parts inscp 100, preselfpay 200, overlmt 300, fulamt 400; medfee 1000.
	cases := []struct {
		parts      uint8
		fund, hosp int64
		want       int64
	}{
		{15, 0, 0, 1000}, {1, 0, 0, 100}, {2, 0, 0, 200}, {4, 0, 0, 300}, {8, 0, 0, 400},
		{1, 60, 0, 40}, {1, 100, 0, 0}, {3, 150, 0, 150}, {4, 350, 0, 250}, {8, 700, 0, 300},
		{15, 1000, 0, 0}, {15, 0, 900, 100}, {1, 0, 950, 50}, {3, 150, 700, 150}, {3, 150, 750, 100}, {0, 0, 0, 0},
	}
	for _, c := range cases {
		s := Settlement{AcctUsedFlag: 1, Medfee: 1000, Fund: c.fund, HospPart: c.hosp,
			Inscp: 100, Preselfpay: 200, Overlmt: 300, Fulamt: 400}
		p := &Policy{PayableParts: c.parts, PayablePlaces: 2}
		if got := payable(p, &InstitutionState{Type: 2}, s); got != c.want {
			t.Errorf("parts %d fund %d hosp %d: payable %d, want %d", c.parts, c.fund, c.hosp, got, c.want)
		}
		if got := payable(p, &InstitutionState{Type: 1}, s); got != 0 {
			t.Errorf("a place not in the set pays %d", got)
		}
	}
}

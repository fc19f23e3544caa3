package model

import "testing"

// premiums is a policy that takes resident premiums from September to February.
func premiums() Policy {
	p := randomSelfFirst
	p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 901, 229 // testDay is a 30 November
	return p
}

// TestPremium: R25, M6, M7, K13: who may pay which premium for whom, whole or refused, once a year.
func TestPremium(t *testing.T) {
	w := newWorld(t, premiums())
	w.person("father", 1000)
	w.person("child", -1)
	w.person("other", 1000)
	binding := w.bind("father", "child", 0)
	c := Premium{Payer: psnOf("father"), Insured: psnOf("child"), Type: 1, Year: 2026, Amount: 400}
	with := func(change func(*Premium)) Premium {
		changed := c
		change(&changed)
		return changed
	}
	w.want(AmountRange, with(func(c *Premium) { c.Amount = 0 }))
	w.want(UnknownPerson, with(func(c *Premium) { c.Payer = psnOf("nobody") }))
	w.want(UnknownUser, with(func(c *Premium) { c.Insured = psnOf("nobody") }))
	w.want(PremiumNotAllowed, with(func(c *Premium) { c.Type = 2 }))
	w.want(NotBound, with(func(c *Premium) { c.Payer = psnOf("other") }))
	w.want(NotBound, with(func(c *Premium) { c.Insured = psnOf("father") })) // nobody is bound to himself
	w.want(ShortOfFunds, with(func(c *Premium) { c.Amount = 1001 }))
	w.balance("father", 1000)
	w.want(Accepted, Enrolment{Psn: psnOf("child"), Insurance: Insurance{Insutype: 390, Status: 2, Begin: testDay - 1}}) // paused: just then it is paid
	first := w.want(Accepted, c)
	w.balance("father", 600)
	w.want(PremiumPaid, c)
	w.want(Accepted, with(func(c *Premium) { c.Year = 2027 }))
	if owed := w.m.Balance(AccountID(AccountPremium, 1)); owed != 800 {
		t.Fatalf("premium payable is %d fen", owed)
	}

	w.timeMS += 92 * dayMS // 1 or 2 March: the season is over, and the binding may end
	w.want(PremiumSeason, with(func(c *Premium) { c.Year = 2028 }))
	w.want(Accepted, Unbinding{Channel: 1, Actor: psnOf("father"), Bindings: []uint32{binding}})
	refund := PremiumRefund{Payer: psnOf("child"), Premium: uint64(w.m.premiums[0].position)}
	w.want(WrongPerson, refund)
	refund.Payer = psnOf("father")
	w.want(UnknownPremium, PremiumRefund{Payer: refund.Payer, Premium: refund.Premium + 1})
	back := w.want(Accepted, refund)
	same(t, "undone", back.Original, refund.Premium)
	same(t, "leg", back.Legs[0].Amount, -first.Legs[0].Amount)
	w.balance("father", 600)
	w.want(PremiumRefunded, refund)
}

// TestPremiumAgain: R25: one *unrefunded* premium: a refund makes room for the next, PremiumTries times.
func TestPremiumAgain(t *testing.T) {
	w := newWorld(t, premiums())
	w.person("father", 1000)
	w.person("child", -1)
	w.bind("father", "child", 0)
	c := Premium{Payer: psnOf("father"), Insured: psnOf("child"), Type: 1, Year: 2026, Amount: 1000}
	for range premiumTries {
		w.want(Accepted, c)
		w.want(PremiumPaid, c)
		w.want(Accepted, PremiumRefund{Payer: psnOf("father"), Premium: w.m.premiums[len(w.m.premiums)-1].position})
	}
	w.want(PremiumLimit, c)
	w.balance("father", 1000)
}

// TestPremiumLender: R25, A1: the payer must be able to lend today.
func TestPremiumLender(t *testing.T) {
	w := newWorld(t, premiums())
	w.person("father", 1000)
	w.person("child", -1)
	w.bind("father", "child", 0)
	w.want(Accepted, Enrolment{Psn: psnOf("father"), Insurance: Insurance{Insutype: 310, Status: 2, Begin: testDay}})
	w.want(AuthorizerNotEligible, Premium{Payer: psnOf("father"), Insured: psnOf("child"), Type: 1, Year: 2026, Amount: 1})
}

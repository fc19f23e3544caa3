package model

import "testing"

// TestAccountDebit: R26: whole or refused, never below 0, by two persons; a repeat by others is a repeat.
func TestAccountDebit(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("a", 1000)
	w.person("none", -1)
	c := AccountDebit{Message: id("debit"), Psn: psnOf("a"), Amount: 1001, Reason: 4, First: K("x"), Second: K("y")}
	with := func(change func(*AccountDebit)) AccountDebit {
		changed := c
		changed.Message = Message{}
		change(&changed)
		return changed
	}
	w.want(AmountRange, with(func(c *AccountDebit) { c.Amount = 0 }))
	w.want(AmountRange, with(func(c *AccountDebit) { c.Amount = AmountMax + 1 }))
	w.want(SameOperator, with(func(c *AccountDebit) { c.Second = c.First }))
	w.want(UnknownPerson, with(func(c *AccountDebit) { c.Psn = psnOf("nobody") }))
	w.want(NoAccount, with(func(c *AccountDebit) { c.Psn = psnOf("none") }))
	w.want(ShortOfFunds, c)
	w.balance("a", 1000)
	w.want(Accepted, with(func(c *AccountDebit) { c.Amount, c.Reason = 600, 2 }))
	w.want(Accepted, with(func(c *AccountDebit) { c.Amount = 400 }))
	w.balance("a", 0)
	if estate, cash := w.m.Balance(AccountID(AccountFundBank, 2)), w.m.Balance(AccountID(AccountFundBank, 4)); estate != 600 || cash != 400 {
		t.Fatalf("the fund bank paid %d and %d fen", estate, cash)
	}
	w.want(Repeated, c)
}

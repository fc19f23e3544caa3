package model

// KindAccountDebit is s.4, command 30.
const KindAccountDebit = 30

// AccountDebit is kind 30.
type AccountDebit struct {
	Message
	Psn    Key
	Amount int64
	Reason uint8 // 1 correction, 2 estate, 3 transfer out, 4 cash out
	First  Key   // operator
	Second Key   // operator
}

// Kind is 30.
func (AccountDebit) Kind() int { return KindAccountDebit }

func (m *Model) accountDebit(now moment, c AccountDebit) Result {
	if c.Amount < 1 || c.Amount > AmountMax {
		return Result{Outcome: AmountRange}
	}
	if c.First == c.Second {
		return Result{Outcome: SameOperator}
	}
	p := m.byPsn[c.Psn]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	if !p.HasAccount {
		return Result{Outcome: NoAccount}
	}
	if m.balances[p.account()] < c.Amount {
		return Result{Outcome: ShortOfFunds}
	}
	leg := m.post(now, p.account(), -c.Amount)
	m.balances[AccountID(AccountFundBank, uint64(c.Reason))] += c.Amount
	return Result{Outcome: Accepted, Legs: []Leg{leg}}
}

// makeAccountDebit asks for a part, all, or a fen more than there is.
func (g *Generator) makeAccountDebit() Command {
	p := g.someone()
	c := AccountDebit{Message: g.newMessage(), Psn: g.psn(p), Reason: uint8(1 + g.rng.IntN(4)), First: K("operator", "a"), Second: K("operator", "b")}
	balance := g.model.balances[p.account()]
	switch g.rng.IntN(8) {
	case 0:
		c.Amount = balance
	case 1, 2:
		c.Amount = balance + 1
	default:
		c.Amount = 1 + g.rng.Int64N(min(balance/4, 2000)+1)
	}
	switch g.rng.IntN(16) {
	case 0:
		c.Amount = choose(g.rng, []int64{0, -1, AmountMax + 1})
	case 1:
		c.Second = c.First
	}
	return c
}

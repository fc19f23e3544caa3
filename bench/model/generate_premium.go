package model

// makePremium is mostly of somebody bound who may pay it; few years, so that premiums meet.
func (g *Generator) makePremium() Command {
	insured := g.someone()
	payer := g.kin(insured)
	if lending := g.model.lending(g.now, insured); len(lending) > 0 && g.chance(85) {
		payer = g.model.persons[choose(g.rng, lending).Authorizer]
	}
	c := Premium{Message: g.newMessage(), Payer: g.psn(payer), Insured: g.psn(insured), Type: uint8(1 + g.rng.IntN(2)), Year: 2026 + g.rng.Uint32N(12)}
	if g.now.policy != nil && g.now.policy.PremiumTypes == 1 && g.chance(70) {
		c.Type = 1
	}
	balance := g.model.balances[payer.account()]
	switch g.rng.IntN(8) {
	case 0:
		c.Amount = max(balance, 1)
	case 1:
		c.Amount = balance + 1
	default:
		c.Amount = 1 + g.rng.Int64N(min(balance/4, 500)+1)
	}
	if g.chance(4) {
		c.Amount = choose(g.rng, []int64{0, -1, AmountMax + 1})
	}
	if g.chance(25) && len(g.model.premiums) > 0 { // one more of what was paid, often what has been refunded most
		old := g.model.premiums[0]
		if g.chance(85) {
			old = choose(g.rng, g.model.premiums)
		}
		c.Payer, c.Insured, c.Type, c.Year = old.payer.Psn, old.insured.Psn, old.sort, old.year
	}
	return c
}

func (g *Generator) makePremiumRefund() Command {
	if len(g.model.premiums) == 0 {
		return PremiumRefund{Message: g.newMessage(), Payer: g.someone().Psn, Premium: Position(g.now.sequence, len(g.batch))}
	}
	p := choose(g.rng, g.model.premiums)
	if recent := g.model.premiums[max(0, len(g.model.premiums)-6):]; g.chance(60) {
		p = choose(g.rng, recent)
	}
	c := PremiumRefund{Message: g.newMessage(), Payer: p.payer.Psn, Premium: p.position}
	switch g.rng.IntN(16) {
	case 0:
		c.Payer = p.insured.Psn
	case 1:
		c.Premium++
	case 2:
		if len(g.model.settled) > 0 {
			c.Premium = choose(g.rng, g.model.settled).position
		}
	case 3:
		c.Premium = Position(g.now.sequence, len(g.batch)+g.rng.IntN(3))
	}
	return c
}

// followPremium takes some premiums back, and pays some of those anew, so that the limit of rounds is met.
func (g *Generator) followPremium(c Command) {
	if !g.chance(60) {
		return
	}
	switch c := c.(type) {
	case Premium:
		g.soon = append(g.soon, PremiumRefund{Message: g.newMessage(), Payer: c.Payer, Premium: g.now.position()})
	case PremiumRefund:
		for _, p := range g.model.premiums {
			if p.position == c.Premium {
				g.soon = append(g.soon, Premium{Message: g.newMessage(), Payer: p.payer.Psn, Insured: p.insured.Psn, Type: p.sort, Year: p.year, Amount: p.amount})
			}
		}
	}
}

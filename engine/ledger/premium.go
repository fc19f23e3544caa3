package ledger

// decidePremium is command 28 (R25, M6, M7, K13): one person pays another's insurance premium out of his own account, whole or not at all.
func decidePremium[F Funds](m *Money, c *Context, cmd *Command, position Position, funds F, f *Effect, fx *Effects) {
	s := m.State
	if cmd.Amount < 1 || cmd.Amount > AmountMax {
		f.Outcome = AmountRange
		return
	}
	payer, ok := s.FindPerson(cmd.Person)
	if !ok {
		f.Outcome = UnknownPerson
		return
	}
	insured, ok := s.FindPerson(cmd.Other)
	if !ok {
		f.Outcome = UnknownUser
		return
	}
	if f.Outcome = s.mayPayPremium(c, cmd, payer, insured); f.Outcome != 0 {
		return
	}
	key, o := m.premiumMark(insured, cmd.Source, cmd.Period)
	account := Account(KindPersonal, payer)
	if o == 0 && funds.Available(account) < cmd.Amount {
		o = ShortOfFunds
	}
	if o != 0 {
		f.Outcome = o
		return
	}
	m.IDs.Insert(IDEntry{Key: key, Position: position, Tag: TagMark})
	f.Outcome, f.Patient, f.Funding, f.Source = Accepted, insured, cmd.Amount, cmd.Source
	legs := []Leg{{Account: account, Amount: -cmd.Amount}}
	f.Area = s.shared(insured).Area
	MarkAreas(s, f.Area, legs)
	fx.setLegs(f, legs)
}

// mayPayPremium checks what the region allows and who may pay for whom; 0: he may. The insured may be paused or ended: his premium is what
// makes him insured again (R25, R19).
func (s *State) mayPayPremium(c *Context, cmd *Command, payer, insured uint32) Outcome {
	a, u := s.summary(payer), s.summary(insured)
	switch {
	case !c.HasPolicy:
		return NoPolicy
	case c.Policy.PremiumTypes>>(cmd.Source-1)&1 == 0:
		return PremiumNotAllowed
	case !c.Policy.InSeason(c.Day):
		return PremiumSeason
	case !s.isBound(payer, insured):
		return NotBound
	case !a.May(PremiumPayer, c):
		return AuthorizerNotEligible
	case !u.May(PremiumInsured, c):
		return StatusForbids
	}
	return 0
}

// InSeason reports whether premiums are taken on a day (K13): from and until are days of any year, both included, and the season may go over
// the new year.
func (p *Policy) InSeason(day int32) bool {
	if p.PremiumFrom == 0 {
		return true
	}
	_, month, dom := civil(day)
	today := uint16(month*100 + dom)
	if p.PremiumFrom <= p.PremiumUntil {
		return p.PremiumFrom <= today && today <= p.PremiumUntil
	}
	return today >= p.PremiumFrom || today <= p.PremiumUntil
}

// isBound reports whether an authorizer has an active binding for a user.
func (s *State) isBound(authorizer, user uint32) bool {
	for n := s.Persons.At(user).Draws; n != 0; {
		b := s.Bindings.At(n - 1)
		if b.Authorizer == authorizer {
			return true
		}
		n = b.NextDraw
	}
	return false
}

// premiumMark is the mark the next premium of an insured person, type and year takes, if every one before it was refunded.
func (m *Money) premiumMark(insured uint32, premium uint8, year uint32) (Key, Outcome) {
	for n := range uint32(PremiumTries) {
		key := PremiumKey(insured, premium, year, n)
		paid, found := m.IDs.Find(key)
		if !found {
			return key, 0
		}
		if _, refunded := m.IDs.Find(RefundKey(paid.Position)); !refunded {
			return key, PremiumPaid
		}
	}
	return Key{}, PremiumLimit
}

// refundPremium is command 29 (R25): back to the account that paid, once, whatever became of the binding, the policy and the season since.
func (m *Money) refundPremium(c *Context, cmd *Command, position Position, f *Effect, fx *Effects) {
	e, legs, ok := m.original(c, cmd.Settlement, position, fx)
	if !ok || e.Kind != KindPremium || e.Outcome != Accepted {
		f.Outcome = UnknownPremium
		return
	}
	back := Leg{Account: legs[0].Account, Amount: -legs[0].Amount, Area: legs[0].Area} // the areas of then (R18)
	if m.State.Persons.At(back.Account.Number()).Key != cmd.Person {
		f.Outcome = WrongPerson
		return
	}
	key := RefundKey(cmd.Settlement)
	if _, found := m.IDs.Find(key); found {
		f.Outcome = PremiumRefunded
		return
	}
	m.IDs.Insert(IDEntry{Key: key, Position: position, Tag: TagMark})
	f.Outcome, f.First, f.Patient, f.Funding, f.Source, f.Area = Accepted, cmd.Settlement, e.Patient, e.Funding, e.Source, e.Area
	fx.setLegs(f, []Leg{back})
}

package model

import "slices"

// birth is spread over ages around those of face steps; some are not known.
func (g *Generator) birth() int32 {
	if g.chance(5) {
		return birthUnknown
	}
	return -5000 + g.rng.Int32N(25_000)
}

// channel is mostly one of the policy's, by preference one without a counter.
func (g *Generator) channel() uint8 {
	if g.now.policy == nil || len(g.now.policy.Channels) == 0 || g.chance(5) {
		return choose(g.rng, []uint8{1, 2, 3, 6, 8, 31, 0, 32, 255})
	}
	return choose(g.rng, g.now.policy.Channels)
}

// steps are mostly all of them.
func (g *Generator) steps() uint8 {
	if g.chance(12) {
		return uint8(g.rng.IntN(8))
	}
	return stepDataConsent | stepApplication | uint8(g.rng.IntN(2))*stepFace
}

// application is a binding with the steps its policy wants, mostly.
func (g *Generator) application(authorizer, user *PersonState) Binding {
	c := Binding{
		Message: g.newMessage(), Authorizer: g.psn(authorizer), UserPseudonym: user.Pseudonym,
		Relation: choose(g.rng, []uint8{1, 1, 2, 4, 5, 6, 7}), Channel: g.channel(), Login: uint8(g.rng.IntN(6)), Steps: g.steps(),
	}
	p := g.now.policy
	if p == nil {
		return c
	}
	if g.chance(95) {
		for way, channels := range p.Logins {
			if slices.Contains(channels, c.Channel) {
				c.Login = uint8(way + 1)
			}
		}
	}
	if g.chance(90) {
		c.Commitment = p.Commitment
	}
	if g.chance(90) {
		c.Questions = p.Questions
	}
	return c
}

func (g *Generator) makeFamilyOpen() Command {
	p := g.hot(g.rng.IntN(hotPersons/4) * 4)
	if g.chance(30) {
		p = choose(g.rng, g.model.persons[max(0, len(g.model.persons)-recentPersons):])
	}
	if g.chance(20) {
		p = g.someone()
	}
	return FamilyOpen{Message: g.newMessage(), Creator: g.psn(p), Channel: g.channel()}
}

// openFamily is an open family, or nil.
func (g *Generator) openFamily() *FamilyState {
	for range 40 {
		if len(g.model.families) == 0 {
			return nil
		}
		if f := choose(g.rng, g.model.families); !f.Closed {
			return f
		}
	}
	return nil
}

// bindingIn is mostly one of the newest bindings in one of these states.
func (g *Generator) bindingIn(states ...uint8) *BindingState {
	bindings := g.model.bindings
	if len(bindings) == 0 {
		return nil
	}
	if g.chance(92) {
		for i := len(bindings) - 1; i >= max(0, len(bindings)-400); i-- {
			if slices.Contains(states, bindings[i].State) && g.chance(35) {
				return bindings[i]
			}
		}
	}
	return choose(g.rng, bindings)
}

// makeAnswer makes the kinds that come after a binding.
func (g *Generator) makeAnswer(kind int) Command {
	message := g.newMessage()
	number := func(b *BindingState) uint32 {
		if b == nil || g.chance(2) {
			return uint32(len(g.model.bindings)) + g.rng.Uint32N(2)
		}
		return b.Number
	}
	psn := func(b *BindingState, authorizer bool) Key {
		switch {
		case b == nil || g.chance(3):
			return g.psn(g.someone())
		case authorizer:
			return g.psn(g.model.persons[b.Authorizer])
		}
		return g.psn(g.model.persons[b.Beneficiary])
	}
	switch kind {
	case KindBindingConsent:
		b := g.bindingIn(Invited)
		return BindingConsent{Message: message, User: psn(b, false), Binding: number(b), Accept: g.chance(75), Steps: uint8(g.rng.IntN(2)) * stepFace}
	case KindBindingReview:
		b := g.bindingIn(InReview)
		if leaving := g.leaving(); leaving != nil && g.chance(50) {
			b = leaving
		}
		return BindingReview{Message: message, Binding: number(b), Accept: g.chance(70)}
	case KindBindingWithdraw:
		b := g.bindingIn(Invited, InReview)
		return BindingWithdraw{Message: message, Authorizer: psn(b, true), Binding: number(b)}
	case KindForcedUnbinding:
		b := g.bindingIn(Unbound, Rejected, Expired)
		if g.chance(15) {
			b = g.bindingIn(Active, Invited, InReview)
		}
		c := ForcedUnbinding{Message: message, Binding: number(b), Reason: uint8(1 + g.rng.IntN(9)), Officers: [2]Key{{1}, {2}}}
		if g.chance(10) {
			c.Officers[1] = c.Officers[0]
		}
		return c
	case KindDebitOrder:
		return g.makeDebitOrder(message)
	}
	p, family := g.someone(), g.rng.Uint32N(4)
	if f := g.openFamily(); f != nil && g.chance(90) {
		p, family = g.model.persons[f.Creator], f.Number
		if g.chance(4) {
			family++
		}
	}
	return FamilyDissolution{Message: message, Creator: g.psn(p), Family: family, Channel: g.channel()}
}

func (g *Generator) leaving() *BindingState {
	for _, b := range g.model.bindings {
		if b.State == Active && b.Leaving && g.chance(50) {
			return b
		}
	}
	return nil
}

// makeDebitOrder is mostly a permutation of what must be named, with the own account or without.
func (g *Generator) makeDebitOrder(message Message) Command {
	patient := g.someone()
	c := DebitOrder{Message: message, Patient: g.psn(patient)}
	for _, b := range g.model.bindings {
		if b.State == Active && b.Beneficiary == patient.Number {
			c.Elements = append(c.Elements, b.Number)
		}
	}
	if g.now.policy != nil && (!g.now.policy.SelfFirst && g.chance(60) || g.chance(5)) && (patient.HasAccount || g.chance(10)) {
		c.Elements = append(c.Elements, OwnElement)
	}
	g.rng.Shuffle(len(c.Elements), func(i, j int) { c.Elements[i], c.Elements[j] = c.Elements[j], c.Elements[i] })
	if len(c.Elements) == 0 || len(g.model.bindings) == 0 {
		return c
	}
	switch g.rng.IntN(10) {
	case 0:
		c.Elements = c.Elements[1:]
	case 1:
		c.Elements[0] = choose(g.rng, g.model.bindings).Number
	case 2:
		if len(c.Elements) < 33 {
			c.Elements = append(c.Elements, c.Elements[0])
		}
	}
	return c
}

// clearFamilies dissolves what holds money and sends the policy behind it, as an operator would have it done.
func (g *Generator) clearFamilies(p Policy) Command {
	var all []Command
	for _, f := range g.model.families {
		if g.model.balances[f.account()] != 0 {
			channel := g.channel()
			if f.Frozen {
				all = append(all, Freeze{Message: g.newMessage(), IsFamily: true, Family: f.Number, Reason: 1, Operators: [2]Key{{1}, {2}}})
			}
			all = append(all, FamilyDissolution{Message: g.newMessage(), Creator: g.model.persons[f.Creator].Psn, Family: f.Number, Channel: channel})
		}
	}
	p.EffectiveFromMS = 0 // at once
	g.ordered = append(g.ordered, all[1:]...)
	g.ordered = append(g.ordered, p)
	return all[0]
}

// followBinding answers what has just been asked, mostly.
func (g *Generator) followBinding(c Binding, result Result) {
	if !g.chance(75) {
		return
	}
	switch result.State {
	case Invited:
		g.ordered = append(g.ordered, BindingConsent{
			Message: g.newMessage(), User: g.model.byPseudonym[c.UserPseudonym].Psn, Binding: result.Number, Accept: g.chance(85), Steps: uint8(g.rng.IntN(2)) * stepFace,
		})
	case InReview:
		g.ordered = append(g.ordered, BindingReview{Message: g.newMessage(), Binding: result.Number, Accept: g.chance(80)})
	}
}

// followFamily reverses what a family has paid soon after it was dissolved.
func (g *Generator) followFamily(c Command, result Result) {
	var account uint64
	if _, ok := c.(FamilyDissolution); ok {
		account = AccountID(AccountFamily, uint64(result.Number))
	} else if c.Kind() != KindSettlement && len(result.Legs) == 2 && result.Legs[0].Account>>56 == AccountFamily {
		account = result.Legs[0].Account
	} else {
		return
	}
	for i := len(g.model.settled) - 1; i >= 0; i-- {
		s := g.model.settled[i]
		for _, t := range s.takes {
			if t.account == account && s.alive() && len(g.swept) < 6 {
				g.swept = append(g.swept, ReversalByID{Message: Message{ID: g.key()}, Settlement: s.position, Institution: s.institution.Code, Psn: s.patient.Psn})
			}
		}
	}
}

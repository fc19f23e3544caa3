package model

// present makes some settlements show something else than a certificate: an e-voucher, a card, a relative's card, one that is lost.
func (g *Generator) present(c *Settlement, patient *PersonState) {
	if patient.Evoucher && g.chance(10) || g.chance(2) {
		c.CredentialType = 1
	}
	if len(g.model.cards) == 0 || !g.chance(8) {
		return
	}
	card := g.someCard()
	for i := 0; i < 40 && (card.Person != patient.Number || card.State != 1 && i < 30); i++ { // mostly his own
		card = g.someCard()
	}
	c.CredentialType, c.Credential = 3, card.Key
}

func (g *Generator) someCard() *CredentialState { return choose(g.rng, g.model.cards) }

// makeCredential registers a card, or tells of one that it is lost, found or cancelled.
func (g *Generator) makeCredential() Command {
	c := Credential{Message: g.newMessage(), Psn: g.psn(g.someone()), Card: g.key(), State: 1}
	if len(g.model.cards) > 0 && g.chance(55) {
		card := g.someCard()
		c.Card, c.State = card.Key, uint8(1+g.rng.IntN(3))
		if g.chance(85) {
			c.Psn = g.model.persons[card.Person].Psn
		}
		if c.State == 3 && g.chance(60) { // few for ever
			c.State = 2
		}
	} else if g.chance(8) {
		c.State = 2
	}
	return c
}

// makeFreeze freezes few and thaws most that are frozen, so that money goes on moving.
func (g *Generator) makeFreeze() Command {
	c := Freeze{Message: g.newMessage(), Psn: g.psn(g.someone()), Frozen: g.chance(25), Reason: uint8(1 + g.rng.IntN(4)), Operators: [2]Key{g.key(), g.key()}}
	for i := 0; i < 40 && !c.Frozen; i++ {
		if p := g.someone(); p.Frozen {
			c.Psn = p.Psn
			break
		}
	}
	for i := 0; i < 40 && c.Frozen && g.chance(90); i++ { // one that is frozen already, if a few are
		if p := g.someone(); p.Frozen && i%2 == 0 {
			c.Psn = p.Psn
			break
		}
	}
	f := g.openFamily()
	if f != nil && g.chance(15) {
		c.Psn = g.model.persons[f.Creator].Psn
	} else if len(g.model.families) > 0 && g.chance(30) {
		c.IsFamily, c.Psn = true, Key{}
		if f == nil || g.chance(10) {
			f = choose(g.rng, g.model.families)
		}
		if c.Family = f.Number; g.chance(80) {
			c.Frozen = !f.Frozen
		}
		if g.chance(5) {
			c.Family += uint32(len(g.model.families))
		}
	}
	if g.chance(6) {
		c.Operators[1] = c.Operators[0]
	}
	return c
}

func (g *Generator) makePersonChange() Command {
	c := PersonChange{Message: g.newMessage(), Psn: g.psn(g.someone())}
	switch g.rng.IntN(6) {
	case 0, 1:
		c.OpenAccount = true
	case 2:
		area := choose(g.rng, []uint32{420100, 420100, 420100, 420100, 420100, 420101, 420500, 430100})
		c.Area = &area
	case 3:
		birth := g.rng.Int32N(20_000) - 5000
		c.Birth = &birth
	}
	if g.chance(60) || c.Area == nil && c.Birth == nil && !c.OpenAccount {
		active := g.chance(70)
		c.Evoucher = &active
	}
	return c
}

// passwordOf is the password that a person of this world would choose, in its n-th version.
func passwordOf(p *PersonState, n int) Key { return K("password", be32(p.Number), be32(uint32(n))) }

func (g *Generator) makePassword() Command {
	p := g.someone()
	if b := g.bindingIn(Active); b != nil && g.chance(60) {
		p = g.model.persons[b.Authorizer]
	}
	if g.chance(40) { // one that is locked, if there is any
		for i := 0; i < 20 && g.model.passwords[p.Number].LockedUntilMS <= g.now.timeMS; i++ {
			p = g.someone()
		}
	}
	c := Password{Message: g.newMessage(), Psn: g.psn(p), Action: passwordSet, New: passwordOf(p, 0)}
	if _, has := g.model.passwords[p.Number]; has && g.chance(70) {
		c.Action, c.Old, c.New = passwordChange, g.guess(p), passwordOf(p, g.rng.IntN(3))
		if g.chance(25) {
			c.Action, c.Old, c.New = passwordReset, Key{}, Key{}
		}
	} else if g.chance(10) {
		c.Action, c.Old = uint8(passwordChange+g.rng.IntN(2)), g.key()
	}
	if c.Action == passwordReset {
		c.Old, c.New = Key{}, Key{}
	}
	return c
}

// guess is mostly right.
func (g *Generator) guess(p *PersonState) Key {
	if have, has := g.model.passwords[p.Number]; has && g.chance(70) {
		return have.Digest
	}
	return passwordOf(p, g.rng.IntN(3))
}

// typePasswords types passwords of some relatives, of strangers, and some twice; mostly where they are needed.
func (g *Generator) typePasswords(c *Settlement, patient *PersonState) {
	needed := g.now.policy != nil && g.now.policy.PasswordTries != 0
	if !needed && !g.chance(5) || g.chance(10) {
		return
	}
	add := func(p *PersonState) {
		if len(c.Passwords) < 8 {
			c.Passwords = append(c.Passwords, Typed{Authorizer: p.Psn, Digest: g.guess(p)})
		}
	}
	if g.now.policy != nil {
		for _, b := range g.model.lending(g.now, patient) {
			if g.chance(85) {
				add(g.model.persons[b.Authorizer])
			}
		}
	}
	if patient.InFamily && g.chance(70) {
		add(g.model.persons[g.model.families[patient.Family].Creator])
	}
	if g.chance(20) {
		add(g.kin(patient))
	}
}

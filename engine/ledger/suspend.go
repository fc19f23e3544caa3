package ledger

// Suspension is derived from the policy in force and today's enrolments, and comes and goes by itself (R19, design.md 6). Settlements and
// whoever shows a binding use the same few questions.

// pays reports whether the authorizer of an active binding may be drawn on: the relation is in the set in force, he may lend, and
// the user's area is within reach (K14).
func pays(s *State, c *Context, b *Binding, area uint32) bool {
	a := s.summary(b.Authorizer)
	return c.Policy.Relations>>b.Relation&1 != 0 && a.May(Lending, c) && InTerritory(&c.Policy, a.Area, area)
}

// tooManyFamilies: with more active bindings than a person may have families, none counts until he has chosen (design.md 6).
func tooManyFamilies(p *Policy, bound int) bool {
	return p.MaxFamilies != 0 && bound > int(p.MaxFamilies)
}

// familyPays reports whether a patient may use the account of the family he is in. What its creator put there stays usable for himself, and
// for members while his insurance is paused if the profile says so (R24).
func (s *State) familyPays(c *Context, patient, number uint32) bool {
	family := s.Families.At(number - 1)
	creator := s.summary(family.Creator)
	switch {
	case family.Frozen != 0:
		return false // not even for its creator (R21)
	case family.Creator == patient:
		return true
	case !InTerritory(&c.Policy, creator.Area, s.shared(patient).Area):
		return false
	}
	if c.Policy.Relations != relationsAll && !s.memberAllowed(c, patient, number) {
		return false
	}
	return c.Policy.PausedMoneyUsable != 0 || creator.MayLend(c.Day)
}

func (s *State) memberAllowed(c *Context, user, family uint32) bool {
	for n := s.Persons.At(user).Draws; n != 0; n = s.Bindings.At(n - 1).NextDraw {
		if b := s.Bindings.At(n - 1); s.MembershipOf(n-1) == family {
			return allows(&c.Policy, b.Relation)
		}
	}
	return false
}

// BindingOn is the state of a binding as people see it, and why it is suspended (the outcome that a new binding like it would have, or
// account_frozen; 0: it is not).
func (s *State) BindingOn(c *Context, n uint32) (BindingState, Outcome) {
	b := s.Bindings.At(n)
	state := b.StateOn(c.Day)
	if state != Active || !c.HasPolicy {
		return state, 0
	}
	if o := s.suspends(c, n); o != 0 {
		return Suspended, o
	}
	return Active, 0
}

func (s *State) suspends(c *Context, n uint32) Outcome {
	b := s.Bindings.At(n)
	p, a, u := &c.Policy, s.summary(b.Authorizer), s.summary(b.User)
	switch {
	case !allows(p, b.Relation):
		return RelationNotAllowed
	case !u.May(Borrowing, c):
		return UserNotNormal
	case !InTerritory(p, a.Area, u.Area):
		return OutsideTerritory
	case p.Strategy == Allocated:
		return s.familySuspends(c, s.MembershipOf(n), &a)
	case !a.MayLend(c.Day):
		return AuthorizerNotEligible
	case a.Flags&AccountFrozen != 0:
		return AccountIsFrozen
	}
	bound := 0
	for i := s.Persons.At(b.User).Draws; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		bound++
	}
	if tooManyFamilies(p, bound) {
		return InOtherFamily
	}
	return 0
}

func (s *State) familySuspends(c *Context, family uint32, creator *Summary) Outcome {
	switch {
	case family == 0:
		return UnknownFamily
	case s.Families.At(family-1).Frozen != 0:
		return AccountIsFrozen
	case c.Policy.PausedMoneyUsable == 0 && !creator.MayLend(c.Day):
		return AuthorizerNotEligible
	}
	return 0
}

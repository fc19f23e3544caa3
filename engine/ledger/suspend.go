package ledger

// Suspension is derived from the policy in force and today's enrolments, and comes and goes by itself (R19, design.md 6). Settlements and
// whoever shows a binding use the same few questions.

// pays reports whether the authorizer of an active binding may be drawn on: the relation is in the set in force, and he may lend.
func pays(s *State, c *Context, b *Binding) bool {
	return c.Policy.Relations>>b.Relation&1 != 0 && s.Persons.At(b.Authorizer).MayLend(c.Day)
}

// tooManyFamilies: with more active bindings than a person may have families, none counts until he has chosen (design.md 6).
func tooManyFamilies(p *Policy, bound int) bool {
	return p.MaxFamilies != 0 && bound > int(p.MaxFamilies)
}

// familyPays reports whether a patient may use the account of the family he is in. What its creator put there stays usable for himself, and
// for members while his insurance is paused if the profile says so (R24).
func (s *State) familyPays(c *Context, patient uint32, p *Person) bool {
	creator := s.Families.At(p.Family - 1).Creator
	if creator == patient {
		return true
	}
	if c.Policy.Relations != relationsAll && !s.memberAllowed(c, p) {
		return false
	}
	return c.Policy.PausedMoneyUsable != 0 || s.Persons.At(creator).MayLend(c.Day)
}

func (s *State) memberAllowed(c *Context, p *Person) bool {
	for n := p.Draws; n != 0; n = s.Bindings.At(n - 1).NextDraw {
		if b := s.Bindings.At(n - 1); b.Family == p.Family {
			return allows(&c.Policy, b.Relation)
		}
	}
	return false
}

// BindingOn is the state of a binding as people see it, and why it is suspended (the outcome that a new binding like it would have; 0: it is not).
func (s *State) BindingOn(c *Context, n uint32) (BindingState, Outcome) {
	b := s.Bindings.At(n)
	state := b.StateOn(c.Day)
	if state != Active || !c.HasPolicy {
		return state, 0
	}
	p, u := &c.Policy, s.Persons.At(b.User)
	lends := s.Persons.At(b.Authorizer).MayLend(c.Day)
	bound := 0
	for i := u.Draws; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		bound++
	}
	switch {
	case !allows(p, b.Relation):
		return Suspended, RelationNotAllowed
	case p.RequireNormalUser != 0 && !u.IsNormal(c.Day):
		return Suspended, UserNotNormal
	case p.Strategy == Allocated && b.Family == 0:
		return Suspended, UnknownFamily
	case p.Strategy == Allocated && p.PausedMoneyUsable != 0:
		return Active, 0
	case !lends:
		return Suspended, AuthorizerNotEligible
	case p.Strategy != Allocated && tooManyFamilies(p, bound):
		return Suspended, InOtherFamily
	}
	return Active, 0
}

package ledger

// orderLast is stored when a binding gives no debit order: after every given one (D4).
const orderLast = 1000

func (s *State) bind(c *Context, cmd *Command, f *Effect) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	authorizer, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	user, found := s.FindPseudonym(cmd.Other)
	if !found {
		return UnknownUser
	}
	if o := s.mayBind(c, cmd, authorizer, user); o != 0 {
		return o
	}
	b := Binding{Authorizer: authorizer, User: user, Since: c.TimeMS, Order: cmd.Order, Relation: cmd.Relation, Channel: cmd.Channel, Active: 1}
	if b.Order == 0 {
		b.Order = orderLast
	}
	if c.Policy.Strategy == Allocated {
		b.Allocated = 1
		family := s.Persons.At(authorizer).Family
		s.Persons.Mut(user).Family = family
		s.Families.Mut(family-1).Members++
	}
	b.NextShare = s.Persons.At(authorizer).Shares
	f.Number = s.Bindings.Append(b)
	s.Persons.Mut(authorizer).Shares = f.Number + 1
	s.chainDraw(user, f.Number+1)
	return Accepted
}

// mayBind checks A1 to A8 and B1 to B10 as far as they are in force; 0: yes.
func (s *State) mayBind(c *Context, cmd *Command, authorizer, user uint32) Outcome {
	a, u := s.Persons.At(authorizer), s.Persons.At(user)
	switch {
	case authorizer == user:
		return SelfBinding
	case cmd.Relation > 15 || c.Policy.Relations&(1<<cmd.Relation) == 0:
		return RelationNotAllowed
	case !a.May(BindAuthorizer, c):
		return AuthorizerNotEligible
	case In(c.Policy.Evouchers, cmd.Channel) && a.Flags&EvoucherActive == 0:
		return EvoucherNotActive
	case !u.May(BindUser, c):
		return UserNotNormal
	case !InTerritory(&c.Policy, a.Area, u.Area):
		return OutsideTerritory
	}
	limit := int(c.Policy.MaxAuthorizers)
	if c.Policy.Strategy == Allocated {
		if o := s.mayJoin(a, u, authorizer); o != 0 {
			return o
		}
		limit = RelativesMax
	}
	n := 0
	for i := u.Draws; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		if s.Bindings.At(i-1).Authorizer == authorizer {
			return DuplicateBinding
		}
		n++
	}
	if limit == 0 {
		limit = RelativesMax
	}
	if n >= limit {
		return TooManyAuthorizers
	}
	return 0
}

func (s *State) mayJoin(a, u *Person, authorizer uint32) Outcome {
	switch {
	case a.Family == 0 || s.Families.At(a.Family-1).Creator != authorizer:
		return UnknownFamily
	case u.Family == a.Family:
		return DuplicateBinding
	case u.Family != 0:
		return InOtherFamily
	}
	return 0
}

// chainDraw appends a binding to the end of the user's list, which thus stays in binding order.
func (s *State) chainDraw(user, link uint32) {
	at := s.Persons.At(user).Draws
	if at == 0 {
		s.Persons.Mut(user).Draws = link
		return
	}
	for s.Bindings.At(at-1).NextDraw != 0 {
		at = s.Bindings.At(at - 1).NextDraw
	}
	s.Bindings.Mut(at - 1).NextDraw = link
}

func (s *State) unbind(c *Context, cmd *Command, f *Effect, fx *Effects) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	actor, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	if !s.Persons.At(actor).May(Unbind, c) {
		return StatusForbids
	}
	if cmd.AsUser && c.Policy.UserMayUnbind == 0 {
		return NotAllowed
	}
	f.ItemAt = uint32(len(fx.Items))
	for _, n := range cmd.More.Bindings {
		fx.Items = append(fx.Items, s.unbindOne(c, cmd.AsUser, actor, n))
		f.ItemCount++
	}
	return Accepted
}

func (s *State) unbindOne(c *Context, asUser bool, actor, n uint32) Item {
	item := Item{Binding: n, Outcome: UnknownBinding}
	if n >= s.Bindings.Len() {
		return item
	}
	b := s.Bindings.At(n)
	if asUser && b.User != actor || !asUser && b.Authorizer != actor {
		return item
	}
	if b.Active == 0 {
		item.Outcome = NotBound
		return item
	}
	if earliest := UnbindableFrom(&c.Policy, b); c.Day < earliest {
		item.Outcome, item.Earliest = Locked, earliest
		return item
	}
	s.end(c, n)
	item.Outcome = Accepted
	return item
}

// UnbindableFrom is the first day on which a binding may be ended (U2, K5).
func UnbindableFrom(p *Policy, b *Binding) int32 {
	return AddMonths(DayOf(b.Since), int(p.MinBindMonths))
}

// end takes a binding out of both lists and keeps its row.
func (s *State) end(c *Context, n uint32) {
	b := *s.Bindings.At(n)
	s.unchain(s.Persons.At(b.User).Draws, n, b.NextDraw,
		func(v uint32) { s.Persons.Mut(b.User).Draws = v },
		func(x *Binding) *uint32 { return &x.NextDraw })
	s.unchain(s.Persons.At(b.Authorizer).Shares, n, b.NextShare,
		func(v uint32) { s.Persons.Mut(b.Authorizer).Shares = v },
		func(x *Binding) *uint32 { return &x.NextShare })
	if b.Allocated != 0 {
		u := s.Persons.Mut(b.User)
		s.Families.Mut(u.Family-1).Members--
		u.Family = 0
	}
	m := s.Bindings.Mut(n)
	m.Active, m.Until, m.NextDraw, m.NextShare = 0, c.TimeMS, 0, 0
}

// unchain removes binding n from a list that starts at head; next is what follows it.
func (s *State) unchain(head, n, next uint32, setHead func(uint32), link func(*Binding) *uint32) {
	if head == n+1 {
		setHead(next)
		return
	}
	at := head - 1
	for *link(s.Bindings.At(at)) != n+1 {
		at = *link(s.Bindings.At(at)) - 1
	}
	*link(s.Bindings.Mut(at)) = next
}

package ledger

// unbind is command 13.
func (s *State) unbind(c *Context, cmd *Command, f *Effect, fx *Effects) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	actor, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	if o := mayUse(&c.Policy, cmd); o != 0 {
		return o
	}
	if x := s.summary(actor); !x.May(Unbind, c) {
		return StatusForbids
	}
	if cmd.AsUser && c.Policy.UserMayUnbind == 0 {
		return NotAllowed
	}
	f.ItemAt = uint32(len(fx.Items))
	left := uint32(0) // the family somebody left: all numbers have one authorizer or one user, so there is at most one
	for _, n := range cmd.More.Bindings {
		item := s.unbindOne(c, cmd, actor, n)
		fx.Items = append(fx.Items, item)
		f.ItemCount++
		if item.Outcome == Accepted && s.MembershipOf(n) != 0 {
			left = s.MembershipOf(n)
		}
	}
	s.returnMoney(c, left, f, fx)
	return Accepted
}

func (s *State) unbindOne(c *Context, cmd *Command, actor, n uint32) Item {
	item := Item{Binding: n, Outcome: UnknownBinding}
	if n >= s.Bindings.Len() {
		return item
	}
	b := s.Bindings.At(n)
	if cmd.AsUser && b.User != actor || !cmd.AsUser && b.Authorizer != actor {
		return item
	}
	if b.State != Active {
		item.Outcome = NotBound
		return item
	}
	if earliest := UnbindableFrom(&c.Policy, b); c.Day < earliest {
		item.Outcome, item.Earliest = Locked, earliest
		return item
	}
	if needsReview(&c.Policy, cmd.Channel) {
		s.Bindings.Mut(n).Marks |= MarkLeaving
		item.Outcome = WaitsForReview
		return item
	}
	if unbindLateDefect {
		s.Bindings.Mut(n).Marks |= markLeavingLate
		item.Outcome = Accepted
		return item
	}
	s.end(c, n)
	item.Outcome = Accepted
	return item
}

// UnbindableFrom is the first day on which an active binding may be ended (U2, K5).
func UnbindableFrom(p *Policy, b *Binding) int32 {
	return AddMonths(DayOf(b.Since), int(p.MinBindMonths))
}

// forceUnbind is command 23: the bureau ends a binding, two persons together, whatever its age (R21).
func (s *State) forceUnbind(c *Context, cmd *Command, f *Effect, fx *Effects) Outcome {
	n := cmd.Binding
	switch {
	case cmd.Person == cmd.Other:
		return SameOperator
	case n >= s.Bindings.Len():
		return UnknownBinding
	case !s.Bindings.At(n).IsLiving(c.Day):
		return NotBound
	}
	if s.Bindings.At(n).State == Active {
		s.end(c, n)
		s.returnMoney(c, s.MembershipOf(n), f, fx)
	} else {
		s.drop(n, Unbound, c.TimeMS)
	}
	return s.tell(f, n)
}

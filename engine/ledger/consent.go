package ledger

// consent is command 20: the user's answer to an invitation (K10, R20).
func (s *State) consent(c *Context, cmd *Command, f *Effect) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	user, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	n := cmd.Binding
	if n >= s.Bindings.Len() || s.Bindings.At(n).User != user {
		return UnknownBinding
	}
	if o := s.mustBe(c, n, Invited, Invited); o != 0 {
		return o
	}
	b := s.Bindings.At(n)
	switch {
	case !cmd.Accept:
		s.drop(n, Rejected, c.TimeMS)
	case s.judge(c, b.Relation, b.Authorizer, user) != 0:
		return s.judge(c, b.Relation, b.Authorizer, user)
	case b.Marks&MarkFace == 0 && cmd.Steps&StepFace == 0 && s.needsFace(c, user):
		return FaceMissing
	case needsReview(&c.Policy, b.Channel):
		s.Bindings.Mut(n).State = InReview
	default:
		s.unchainPending(n)
		s.activate(c, n)
	}
	return s.tell(f, n)
}

// mustBe judges whether a binding is in one of two states; an invitation that is too old ends here and now.
func (s *State) mustBe(c *Context, n uint32, one, other BindingState) Outcome {
	b := s.Bindings.At(n)
	state := b.StateOn(c.Day)
	if state == Expired {
		if b.State == Invited {
			s.expire(n)
		}
		return InvitationExpired
	}
	if state != one && state != other {
		return NotPending
	}
	return 0
}

// tell reports the binding and its state.
func (s *State) tell(f *Effect, n uint32) Outcome {
	f.Number, f.Source = n, uint8(s.Bindings.At(n).State)
	return Accepted
}

// needsFace is K9: the step is asked from an age on, and of everybody whose age nobody knows (L2 to L4).
func (s *State) needsFace(c *Context, user uint32) bool {
	from, birth := int(c.Policy.FaceFromAge), s.summary(user).Birth
	return from != 0 && (birth == BirthUnknown || Age(birth, c.Day) >= from)
}

// review is command 21: a clerk's decision on an application to bind or to unbind (K19, G3, G4). What was judged when it came in is judged
// again: insurance may have paused since.
func (s *State) review(c *Context, cmd *Command, f *Effect, fx *Effects) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	n := cmd.Binding
	if n >= s.Bindings.Len() {
		return UnknownBinding
	}
	b := s.Bindings.At(n)
	if b.State == Active && b.Marks&MarkLeaving != 0 {
		return s.reviewLeaving(c, cmd, f, fx)
	}
	if o := s.mustBe(c, n, InReview, InReview); o != 0 {
		return o
	}
	if !cmd.Accept {
		s.drop(n, Rejected, c.TimeMS)
		return s.tell(f, n)
	}
	if o := s.judge(c, b.Relation, b.Authorizer, b.User); o != 0 {
		return o
	}
	s.unchainPending(n)
	s.activate(c, n)
	return s.tell(f, n)
}

func (s *State) reviewLeaving(c *Context, cmd *Command, f *Effect, fx *Effects) Outcome {
	n := cmd.Binding
	switch {
	case !cmd.Accept:
		s.Bindings.Mut(n).Marks &^= MarkLeaving
	case c.Day < UnbindableFrom(&c.Policy, s.Bindings.At(n)):
		return Locked
	default:
		s.end(c, n)
		s.returnMoney(c, s.MembershipOf(n), f, fx)
	}
	return s.tell(f, n)
}

// withdraw is command 22: the authorizer takes a binding back before it is active.
func (s *State) withdraw(c *Context, cmd *Command, f *Effect) Outcome {
	authorizer, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	n := cmd.Binding
	if n >= s.Bindings.Len() || s.Bindings.At(n).Authorizer != authorizer {
		return UnknownBinding
	}
	if o := s.mustBe(c, n, Invited, InReview); o != 0 {
		return o
	}
	s.drop(n, Unbound, c.TimeMS)
	return s.tell(f, n)
}

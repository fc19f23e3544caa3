package ledger

// sweepLegs is how many legs a reversal has beyond its settlement's: a family account is among the sources once at most.
const sweepLegs = 2

// openFamily is command 17.
func (s *State) openFamily(c *Context, cmd *Command, f *Effect) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	creator, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	x := s.summary(creator)
	switch {
	case !In(c.Policy.Channels, cmd.Channel):
		return ChannelNotAllowed
	case c.Policy.Strategy != Allocated:
		return NotAllowed
	case !x.HasAccount():
		return NoAccount
	case !x.May(BindAuthorizer, c):
		return AuthorizerNotEligible
	case s.FamilyOf(creator) != 0 || s.invitedElsewhere(c.Day, creator, 0):
		return InOtherFamily
	}
	f.Number = s.Families.Append(Family{Creator: creator, Members: 1, Since: c.TimeMS})
	s.indexFamily(f.Number)
	return Accepted
}

// FamilyOf is the family a person is in, + 1 (0: none): the one he created and has not dissolved, or that of an active membership. Nobody is in two
// (L1). Settlements ask it under the allocated strategy only.
func (s *State) FamilyOf(person uint32) uint32 {
	if family := s.createdBy(person); family != 0 {
		return family
	}
	for n := s.Persons.At(person).Draws; n != 0; n = s.Bindings.At(n - 1).NextDraw {
		if family := s.MembershipOf(n - 1); family != 0 {
			return family
		}
	}
	return 0
}

// createdBy is the open family of a creator, + 1; 0: he has none.
func (s *State) createdBy(person uint32) uint32 {
	n, found := s.byCreator.find(personHash(person), func(n uint32) bool { return s.Families.At(n).Creator == person })
	if !found {
		return 0
	}
	return n + 1
}

func (s *State) indexFamily(n uint32) {
	s.byCreator.insert(personHash(s.Families.At(n).Creator), n, s.hashOfFamily)
}

func (s *State) hashOfFamily(n uint32) uint64 { return personHash(s.Families.At(n).Creator) }

// mayEnter judges membership (L1): the authorizer has a family, and the user is and will be in no other.
func (s *State) mayEnter(authorizer, user uint32) Outcome {
	family, other := s.createdBy(authorizer), s.FamilyOf(user)
	switch {
	case family == 0:
		return UnknownFamily
	case other == family:
		return DuplicateBinding
	case other != 0 || s.pendingElsewhere(user, family):
		return InOtherFamily
	}
	return 0
}

// pendingElsewhere reports whether a user, whose list has been swept, has a pending membership of another family.
func (s *State) pendingElsewhere(user, family uint32) bool {
	for i := s.pending[user]; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		if other := s.MembershipOf(i - 1); other != 0 && other != family {
			return true
		}
	}
	return false
}

// invitedElsewhere is pendingElsewhere for a list that may hold invitations too old.
func (s *State) invitedElsewhere(day int32, user, family uint32) bool {
	s.sweep(day, user)
	return s.pendingElsewhere(user, family)
}

// mayAllocate checks an allocation as far as neither balance nor limits matter.
func mayAllocate(s *State, c *Context, cmd *Command) (creator, family uint32, o Outcome) {
	if cmd.Amount < 1 || cmd.Amount > AmountMax {
		return 0, 0, AmountRange
	}
	if !c.HasPolicy {
		return 0, 0, NoPolicy
	}
	creator, found := s.FindPerson(cmd.Person)
	if !found {
		return 0, 0, UnknownPerson
	}
	x := s.summary(creator)
	switch family = s.createdBy(creator); {
	case !In(c.Policy.Channels, cmd.Channel):
		return 0, 0, ChannelNotAllowed
	case c.Policy.Strategy != Allocated:
		return 0, 0, NotAllowed
	case family == 0:
		return 0, 0, UnknownFamily
	case x.Flags&AccountFrozen != 0:
		return 0, 0, AccountIsFrozen
	case !x.May(Allocate, c): // R24: a paused creator adds nothing
		return 0, 0, StatusForbids
	}
	return creator, family - 1, 0
}

// decideAllocation is command 18. It counts the allocation in the family's row: only one goroutine decides allocations.
func decideAllocation[F Funds](s *State, c *Context, cmd *Command, funds F, f *Effect, fx *Effects) {
	creator, family, o := mayAllocate(s, c, cmd)
	if o != 0 {
		f.Outcome = o
		return
	}
	year, _, _ := civil(c.Day)
	row := s.Families.At(family)
	count, sum := row.AllocCount, row.AllocSum
	if row.AllocYear != uint32(year) {
		count, sum = 0, 0
	}
	personal := Account(KindPersonal, creator)
	switch {
	case c.Policy.AllocMax != 0 && cmd.Amount > c.Policy.AllocMax:
		f.Outcome = AllocationAmount
		return
	case c.Policy.AllocTimes != 0 && count >= c.Policy.AllocTimes:
		f.Outcome = AllocationTimes
		return
	case funds.Available(personal) < cmd.Amount:
		f.Outcome = ShortOfFunds
		return
	}
	m := s.Families.Mut(family)
	m.AllocYear, m.AllocCount, m.AllocSum = uint32(year), count+1, sum+cmd.Amount
	f.Outcome, f.Number = Accepted, family
	fx.setLegs(f, []Leg{{Account: personal, Amount: -cmd.Amount}, {Account: Account(KindFamily, family), Amount: cmd.Amount}})
}

// dissolveFamily is command 31, under every strategy and whatever the creator's standing: money must never be out of reach of its owner or
// his heirs.
func (s *State) dissolveFamily(c *Context, cmd *Command, f *Effect, fx *Effects) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	creator, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	family := s.createdBy(creator)
	switch {
	case !In(c.Policy.Channels, cmd.Channel):
		return ChannelNotAllowed
	case family == 0 || family-1 != cmd.Binding:
		return UnknownFamily // also one that is dissolved: he may have opened another since
	case s.Families.At(family-1).Frozen != 0:
		return AccountIsFrozen // it gives nothing, not even to its creator (R21)
	}
	for i := s.Persons.At(creator).Shares; i != 0; i = s.Bindings.At(i - 1).NextShare {
		if b := s.Bindings.At(i - 1); s.MembershipOf(i-1) == family && b.State == Active && c.Day < UnbindableFrom(&c.Policy, b) {
			return Locked // it would be a way around U2
		}
	}
	s.closeFamily(c, family, f, fx)
	f.Number = family - 1
	return Accepted
}

// returnMoney dissolves a family (0: none) that has lost its last member and invites nobody (R24). A frozen one stays until its creator
// dissolves it: it gives nothing (R21).
func (s *State) returnMoney(c *Context, family uint32, f *Effect, fx *Effects) {
	if family == 0 || s.Families.At(family-1).Frozen != 0 {
		return
	}
	for i := s.Persons.At(s.Families.At(family - 1).Creator).Shares; i != 0; i = s.Bindings.At(i - 1).NextShare {
		if b := s.Bindings.At(i - 1); s.MembershipOf(i-1) == family && b.IsLiving(c.Day) {
			return
		}
	}
	s.closeFamily(c, family, f, fx)
}

// closeFamily ends every membership, asked for or held, and gives the rest to the creator, whole.
func (s *State) closeFamily(c *Context, family uint32, f *Effect, fx *Effects) {
	creator := s.Families.At(family - 1).Creator
	for i := s.Persons.At(creator).Shares; i != 0; {
		n := i - 1
		b := s.Bindings.At(n)
		i = b.NextShare
		switch {
		case s.MembershipOf(n) != family:
		case b.State == Active:
			s.end(c, n)
		case b.StateOn(c.Day) == Expired:
			s.expire(n)
		default:
			s.drop(n, Unbound, c.TimeMS)
		}
	}
	row := s.Families.Mut(family - 1)
	row.Members, row.Until = 0, c.TimeMS
	s.byCreator.remove(personHash(creator), family-1, s.hashOfFamily)
	if row.Balance > 0 {
		fx.setLegs(f, []Leg{{Account: Account(KindFamily, family-1), Amount: -row.Balance}, {Account: Account(KindPersonal, creator), Amount: row.Balance}})
	}
}

// ClosedBy gives the personal account of the creator of a dissolved family account.
func (s *State) ClosedBy(a AccountID) (creator AccountID, closed bool) {
	if a.Kind() != KindFamily || s.Families.At(a.Number()).Until == 0 {
		return 0, false
	}
	return Account(KindPersonal, s.Families.At(a.Number()).Creator), true
}

// familiesHoldMoney walks the families; an operator asks it with a policy, a few times a year.
func (s *State) familiesHoldMoney() bool {
	for i := uint32(0); i < s.Families.Len(); i++ {
		if s.Families.At(i).Balance != 0 {
			return true
		}
	}
	return false
}

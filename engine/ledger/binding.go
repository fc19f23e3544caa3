package ledger

// orderLast is stored when a binding gives no debit order: after every given one (D4).
const orderLast = 1000

// bind is command 12.
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
	if authorizer == user {
		return SelfBinding
	}
	if o := s.mayAsk(c, cmd, authorizer, user); o != 0 {
		return o
	}
	s.sweep(c.Day, user)
	if o := s.mayJoin(c, authorizer, user); o != 0 {
		return o
	}
	if s.Bindings.Len() >= BindingsMax {
		return LedgerFull
	}
	f.Number = s.addBinding(c, cmd, authorizer, user)
	f.Source = uint8(s.Bindings.At(f.Number).State)
	return Accepted
}

// mayAsk judges the two persons and the steps that were taken; 0: go on.
func (s *State) mayAsk(c *Context, cmd *Command, authorizer, user uint32) Outcome {
	p, a := &c.Policy, s.shared(authorizer)
	if o := mayUse(p, cmd); o != 0 {
		return o
	}
	if cmd.Login < 1 || cmd.Login > Logins || !In(p.Logins[cmd.Login-1], cmd.Channel) {
		return LoginNotAllowed
	}
	if o := s.judge(c, cmd.Relation, authorizer, user); o != 0 {
		return o
	}
	letter, questions := needsLetter(p, a), needsQuestions(p, a)
	switch {
	case In(p.Evouchers, cmd.Channel) && a.Flags&EvoucherActive == 0:
		return EvoucherNotActive
	case p.DataConsentRequired != 0 && cmd.Steps&StepDataConsent == 0:
		return DataConsentMissing
	case letter && cmd.More.Commitment != p.Commitment:
		return CommitmentMissing
	case questions && cmd.More.Questions != p.Questions:
		return QuestionsMissing
	}
	return 0
}

// mayUse judges the channel (K22) and, at a counter, the application (F9).
func mayUse(p *Policy, cmd *Command) Outcome {
	switch {
	case !In(p.Channels, cmd.Channel):
		return ChannelNotAllowed
	case In(p.Counters, cmd.Channel) && cmd.Steps&StepApplication == 0:
		return ApplicationMissing
	}
	return 0
}

func needsLetter(p *Policy, a *Summary) bool {
	return !p.Commitment.IsZero() && (p.CommitmentEachTime != 0 || a.Signed&SignedLetter == 0)
}

func needsQuestions(p *Policy, a *Summary) bool {
	return !p.Questions.IsZero() && a.Signed&ReadQuestions == 0
}

// judge says whether two persons may be bound today (A1, A3, B1 to B6, K14); it is asked again when a pending binding is about to become active.
func (s *State) judge(c *Context, relation uint8, authorizer, user uint32) Outcome {
	a, u := s.summary(authorizer), s.summary(user)
	switch {
	case !allows(&c.Policy, relation):
		return RelationNotAllowed
	case !a.May(BindAuthorizer, c):
		return AuthorizerNotEligible
	case !u.May(BindUser, c):
		return UserNotNormal
	case !InTerritory(&c.Policy, a.Area, u.Area):
		return OutsideTerritory
	}
	return 0
}

// allows reports whether a relation is in the set in force (K1).
func allows(p *Policy, relation uint8) bool { return relation <= 15 && p.Relations>>relation&1 != 0 }

// mayJoin judges what else the two are bound to (A7, A8, K4, L1). Pending bindings count like active ones.
func (s *State) mayJoin(c *Context, authorizer, user uint32) Outcome {
	limit := int(c.Policy.MaxAuthorizers)
	if c.Policy.Strategy == Allocated {
		if o := s.mayEnter(authorizer, user); o != 0 {
			return o
		}
		limit = 0
	}
	if limit == 0 {
		limit = RelativesMax
	}
	n := 0
	duplicate := false
	s.eachAuthorizer(c.Day, user, func(b *Binding) {
		n++
		duplicate = duplicate || b.Authorizer == authorizer
	})
	switch {
	case duplicate:
		return DuplicateBinding
	case n >= limit:
		return TooManyAuthorizers
	case c.Policy.Strategy != Allocated && c.Policy.MaxFamilies != 0:
		return s.mayHaveFamily(c, authorizer, user, n)
	}
	return 0
}

// eachAuthorizer walks the living bindings of a user, active ones first.
func (s *State) eachAuthorizer(day int32, user uint32, do func(*Binding)) {
	for i := s.Persons.At(user).Draws; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		do(s.Bindings.At(i - 1))
	}
	for i := s.pending[user]; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		if b := s.Bindings.At(i - 1); b.IsPending(day) {
			do(b)
		}
	}
}

// mayHaveFamily is K4's max_families where there are no family accounts: each authorizer of a person is a family to him, and his own
// members are one.
func (s *State) mayHaveFamily(c *Context, authorizer, user uint32, bound int) Outcome {
	most := int(c.Policy.MaxFamilies)
	families := bound + 1
	if s.shares(c.Day, user) {
		families++
	}
	others := 1
	s.eachAuthorizer(c.Day, authorizer, func(*Binding) { others++ })
	if families > most || others > most {
		return InOtherFamily
	}
	return 0
}

// shares reports whether a person has any living member.
func (s *State) shares(day int32, authorizer uint32) bool {
	for i := s.Persons.At(authorizer).Shares; i != 0; i = s.Bindings.At(i - 1).NextShare {
		if s.Bindings.At(i - 1).IsLiving(day) {
			return true
		}
	}
	return false
}

// addBinding makes the row, active or waiting for the user (K10) or for a clerk (K19).
func (s *State) addBinding(c *Context, cmd *Command, authorizer, user uint32) uint32 {
	p := &c.Policy
	s.sign(p, authorizer)
	b := Binding{Authorizer: authorizer, User: user, Since: c.TimeMS, Order: cmd.Order, Relation: cmd.Relation, Channel: cmd.Channel, State: Active}
	if b.Order == 0 {
		b.Order = orderLast
	}
	if cmd.Steps&StepFace != 0 {
		b.Marks = MarkFace
	}
	switch {
	case p.ConsentRequired != 0:
		b.State, b.AnswerDays = Invited, p.ConsentDays
	case needsReview(p, cmd.Channel):
		b.State = InReview
	}
	n := s.Bindings.Append(b)
	if p.Strategy == Allocated {
		s.tail(n).Family = s.createdBy(authorizer)
	}
	s.chainShare(n)
	if b.State == Active {
		s.activate(c, n)
	} else {
		s.chainPending(n)
	}
	return n
}

// sign notes what an authorizer has done with this binding and need not do again.
func (s *State) sign(p *Policy, authorizer uint32) {
	x := s.summary(authorizer)
	was := x.Signed
	if needsLetter(p, &x) {
		x.Signed |= SignedLetter
	}
	if needsQuestions(p, &x) {
		x.Signed |= ReadQuestions
	}
	if x.Signed != was {
		s.setSummary(authorizer, x)
	}
}

// needsReview reports whether a clerk decides what comes through a channel (K19, G3, G4).
func needsReview(p *Policy, channel uint8) bool {
	return p.OfflineReview != 0 && In(p.Counters, channel)
}

package ledger

// Three lists of bindings lie in the rows: a user's active ones (Person.Draws, by NextDraw, ascending in number), an authorizer's living
// ones (Person.Shares, by NextShare, newest first) and a user's pending ones (State.pending, by NextDraw, newest first).

// chainDraw puts an active binding into the user's list, which stays in binding order: one that waited for an answer has a lower number
// than those that did not.
func (s *State) chainDraw(n uint32) {
	user := s.Bindings.At(n).User
	before, at := uint32(0), s.Persons.At(user).Draws
	for at != 0 && at-1 < n {
		before, at = at, s.Bindings.At(at-1).NextDraw
	}
	s.Bindings.Mut(n).NextDraw = at
	if before == 0 {
		s.Persons.Mut(user).Draws = n + 1
		return
	}
	s.Bindings.Mut(before - 1).NextDraw = n + 1
}

func (s *State) unchainDraw(n uint32) {
	b := s.Bindings.At(n)
	user, next := b.User, b.NextDraw
	s.unchain(s.Persons.At(user).Draws, n, next, func(v uint32) { s.Persons.Mut(user).Draws = v }, nextDraw)
}

// chainShare puts a new binding at the head of the authorizer's list.
func (s *State) chainShare(n uint32) {
	b := s.Bindings.Mut(n)
	b.NextShare = s.Persons.At(b.Authorizer).Shares
	s.Persons.Mut(b.Authorizer).Shares = n + 1
}

func (s *State) unchainShare(n uint32) {
	b := s.Bindings.At(n)
	authorizer, next := b.Authorizer, b.NextShare
	s.unchain(s.Persons.At(authorizer).Shares, n, next, func(v uint32) { s.Persons.Mut(authorizer).Shares = v },
		func(x *Binding) *uint32 { return &x.NextShare })
	s.Bindings.Mut(n).NextShare = 0
}

// chainPending puts a new binding at the head of the user's pending ones.
func (s *State) chainPending(n uint32) {
	b := s.Bindings.Mut(n)
	b.NextDraw = s.pending[b.User]
	s.pending[b.User] = n + 1
}

func (s *State) unchainPending(n uint32) {
	b := s.Bindings.At(n)
	user, next := b.User, b.NextDraw
	s.unchain(s.pending[user], n, next, func(v uint32) {
		if s.pending[user] = v; v == 0 {
			delete(s.pending, user)
		}
	}, nextDraw)
	s.Bindings.Mut(n).NextDraw = 0
}

func nextDraw(b *Binding) *uint32 { return &b.NextDraw }

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

// FirstPending is a user's newest binding that waits for an answer, + 1 (0: none); NextDraw leads to older ones. Invitations that have
// expired may still be among them.
func (s *State) FirstPending(user uint32) uint32 { return s.pending[user] }

// activate turns a binding, pending no more, into one that pays. The clock of the lock starts now (U2).
func (s *State) activate(c *Context, n uint32) {
	b := s.Bindings.Mut(n)
	b.State, b.Since, b.AnswerDays = Active, c.TimeMS, 0
	if family := s.MembershipOf(n); family != 0 {
		s.Families.Mut(family-1).Members++
	}
	s.chainDraw(n)
}

// drop ends a pending binding.
func (s *State) drop(n uint32, state BindingState, untilMS int64) {
	s.unchainPending(n)
	s.unchainShare(n)
	s.Bindings.Mut(n).State = state
	s.tail(n).Until = untilMS
}

// expire writes down what StateOn already says: the invitation ended when its last day did.
func (s *State) expire(n uint32) {
	s.drop(n, Expired, int64(s.Bindings.At(n).Expires())*dayMS-zoneMS)
}

// sweep expires the user's invitations that are no longer good.
func (s *State) sweep(day int32, user uint32) {
	for at := s.pending[user]; at != 0; {
		b := s.Bindings.At(at - 1)
		n, next := at-1, b.NextDraw
		if b.StateOn(day) == Expired {
			s.expire(n)
		}
		at = next
	}
}

// end takes an active binding out of its lists and keeps its row.
func (s *State) end(c *Context, n uint32) {
	s.unchainDraw(n)
	s.unchainShare(n)
	b := s.Bindings.Mut(n)
	b.State, b.NextDraw = Unbound, 0
	b.Marks &^= MarkLeaving | markLeavingLate
	s.tail(n).Until = c.TimeMS
	if family := s.MembershipOf(n); family != 0 {
		s.Families.Mut(family-1).Members--
	}
}

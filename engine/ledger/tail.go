package ledger

// MembershipOf is the family whose membership a binding is, + 1; 0: it was made under another strategy than allocated.
func (s *State) MembershipOf(n uint32) uint32 {
	if i, found := s.findTail(n); found {
		return s.BindingTails.At(i).Family
	}
	return 0
}

// UntilOf is when a binding ended, in ms; 0: it lives, or it is an invitation whose last day no command has met since.
func (s *State) UntilOf(n uint32) int64 {
	if i, found := s.findTail(n); found {
		return s.BindingTails.At(i).Until
	}
	return 0
}

func (s *State) findTail(n uint32) (uint32, bool) {
	if s.Bindings.At(n).Marks&MarkTail == 0 {
		return 0, false
	}
	return s.byTail.find(personHash(n), func(i uint32) bool { return s.BindingTails.At(i).Binding == n })
}

// tail is the row of a binding's tail, made if needed.
func (s *State) tail(n uint32) *BindingTail {
	i, found := s.findTail(n)
	if !found {
		i = s.BindingTails.Append(BindingTail{Binding: n})
		s.indexTail(i)
		s.Bindings.Mut(n).Marks |= MarkTail
	}
	return s.BindingTails.Mut(i)
}

func (s *State) indexTail(i uint32) {
	s.byTail.insert(personHash(s.BindingTails.At(i).Binding), i, func(i uint32) uint64 { return personHash(s.BindingTails.At(i).Binding) })
}

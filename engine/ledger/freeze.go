package ledger

// Freeze is command 25: the bureau stops an account from giving, or lets it give again (R21).
type Freeze struct {
	IsFamily  bool // else the personal account of Command.Person
	Frozen    bool
	Reason    uint8
	Family    uint32
	Operators [2]Key
}

func (s *State) freeze(cmd *Command) Outcome {
	z := &cmd.More.Freeze
	if z.Operators[0] == z.Operators[1] {
		return SameOperator
	}
	if z.IsFamily {
		return s.freezeFamily(z)
	}
	n, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	x := s.summary(n)
	if !x.HasAccount() {
		return NoAccount
	}
	if o := freezes(x.Flags&AccountFrozen != 0, z.Frozen); o != 0 {
		return o
	}
	x.Flags ^= AccountFrozen
	s.setSummary(n, x)
	return Accepted
}

func (s *State) freezeFamily(z *Freeze) Outcome {
	if z.Family >= s.Families.Len() || s.Families.At(z.Family).Until != 0 {
		return UnknownFamily
	}
	if o := freezes(s.Families.At(z.Family).Frozen != 0, z.Frozen); o != 0 {
		return o
	}
	s.Families.Mut(z.Family).Frozen ^= 1
	return Accepted
}

func freezes(is, shall bool) Outcome {
	switch {
	case is && shall:
		return AlreadyFrozen
	case !is && !shall:
		return NotFrozen
	}
	return 0
}

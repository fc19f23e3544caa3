package ledger

// setDebitOrder is command 24 (R22): the patient's list of active bindings, each once, with the own account at any place or at none.
func (s *State) setDebitOrder(c *Context, cmd *Command) Outcome {
	if !c.HasPolicy {
		return NoPolicy
	}
	patient, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	list := cmd.More.Bindings
	if o := s.mayOrder(c, patient, list); o != 0 {
		return o
	}
	x := s.summary(patient)
	x.SelfOrder = 0
	for i, n := range list {
		if n == SelfElement {
			x.SelfOrder = uint8(i + 1)
		} else {
			s.Bindings.Mut(n).Order = uint16(i + 1)
		}
	}
	s.setSummary(patient, x)
	return Accepted
}

func (s *State) mayOrder(c *Context, patient uint32, list []uint32) Outcome {
	p := s.Persons.At(patient)
	named := 0
	for i, n := range list {
		for _, earlier := range list[:i] {
			if earlier == n {
				return OrderRepeats
			}
		}
		switch {
		case n == SelfElement && c.Policy.SelfFirst != 0:
			return SelfNotAllowed
		case n == SelfElement && !s.shared(patient).HasAccount():
			return NoAccount
		case n == SelfElement:
		case n >= s.Bindings.Len() || s.Bindings.At(n).User != patient:
			return UnknownBinding
		case s.Bindings.At(n).State != Active:
			return NotBound
		default:
			named++
		}
	}
	for i := p.Draws; i != 0; i = s.Bindings.At(i - 1).NextDraw {
		named--
	}
	if named != 0 {
		return OrderIncomplete
	}
	return 0
}

// ownPlace is how many of the patient's relatives come before his own account; -1: it has no place among them.
func ownPlace(s *State, c *Context, b *Bill) int {
	x := s.shared(b.Patient)
	if !b.Own || x.SelfOrder == 0 || c.Policy.SelfFirst != 0 || c.Policy.Strategy != Ordered {
		return -1
	}
	place := 0
	for n := s.Persons.At(b.Patient).Draws; n != 0; n = s.Bindings.At(n - 1).NextDraw {
		if r := s.Bindings.At(n - 1); r.Order < uint16(x.SelfOrder) && pays(s, c, r, x.Area) {
			place++
		}
	}
	return place
}

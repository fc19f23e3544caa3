package ledger

// Change is command 36: what may change about a person beside his enrolments. Fields that Mask does not name are not looked at.
type Change struct {
	Mask     uint8
	Evoucher bool
	Area     uint32
	Birth    int32
}

// Bits of Change.Mask.
const (
	ChangeAccount  = 1 // an account is opened
	ChangeEvoucher = 2
	ChangeArea     = 4
	ChangeBirth    = 8
	ChangeAll      = 15
)

// changePerson is all or nothing.
func (s *State) changePerson(c *Context, cmd *Command) Outcome {
	n, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	p, x := s.summary(n), &cmd.More.Change
	if x.Mask&ChangeAccount != 0 {
		switch {
		case p.HasAccount():
			return AccountExists
		case p.StandingOn(c.Day, true) == Dead:
			return StatusForbids
		case c.HasPolicy && !p.hasCategory(&c.Policy):
			return CategoryNotAllowed
		}
		p.Flags |= HasAccount
	}
	if x.Mask&ChangeEvoucher != 0 {
		p.Flags &^= EvoucherActive
		if x.Evoucher {
			p.Flags |= EvoucherActive
		}
	}
	if x.Mask&ChangeArea != 0 {
		p.Area = x.Area
	}
	if x.Mask&ChangeBirth != 0 {
		p.Birth = x.Birth
	}
	if p == s.summary(n) {
		return NoChange
	}
	s.setSummary(n, p)
	return Accepted
}

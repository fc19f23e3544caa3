package ledger

import "crypto/sha256"

func (s *State) genesis(cmd *Command, position Position) Outcome {
	if position != At(1, 0) || s.Scalars.At(0).Started != 0 {
		return GenesisAgain
	}
	sc := s.Scalars.Mut(0)
	sc.Ledger, sc.Started = cmd.More.Ledger, 1
	return Accepted
}

func (s *State) addDayKey(c *Context, cmd *Command) Outcome {
	if _, found := s.byDay[cmd.Day]; found {
		return KeyExists
	}
	k := DayKey{Logged: c.TimeMS, Day: cmd.Day, Hash: cmd.More.Hash}
	k.SealedLen = uint8(copy(k.Sealed[:], cmd.More.Sealed))
	s.byDay[cmd.Day] = s.DayKeys.Append(k)
	return Accepted
}

func (s *State) publishDayKey(c *Context, cmd *Command) Outcome {
	n, found := s.byDay[cmd.Day]
	switch {
	case !found:
		return NoDayKey
	case cmd.Day >= c.Day:
		return KeyNotPast
	case sha256.Sum256(cmd.More.Key[:]) != s.DayKeys.At(n).Hash:
		return KeyDiffers
	case s.DayKeys.At(n).Published != 0:
		return KeyExists
	}
	k := s.DayKeys.Mut(n)
	k.Key, k.Published = cmd.More.Key, 1
	return Accepted
}

func (s *State) addPerson(c *Context, cmd *Command, f *Effect) Outcome {
	if _, found := s.FindPerson(cmd.Person); found {
		return PersonExists
	}
	if _, found := s.FindPseudonym(cmd.Other); found {
		return CertificateExists
	}
	x := Summary{Birth: cmd.Birth, Area: cmd.Area, Flags: cmd.Has & (HasAccount | EvoucherActive)}
	for i := range cmd.More.Enrolments {
		x.enrol(&cmd.More.Enrolments[i])
	}
	if x.HasAccount() && c.HasPolicy && !x.hasCategory(&c.Policy) {
		return CategoryNotAllowed
	}
	if s.Persons.Len() >= PersonsMax {
		return LedgerFull
	}
	f.Number = s.AddPerson(cmd.Person, cmd.Other, x)
	return Accepted
}

func (s *State) addEnrolment(cmd *Command, f *Effect) Outcome {
	n, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	x := s.summary(n)
	x.enrol(&cmd.More.Enrolments[0])
	s.setSummary(n, x)
	f.Patient = n
	return Accepted
}

func (s *State) addInstitution(cmd *Command, f *Effect) Outcome {
	if _, found := s.FindInstitution(&cmd.Institution); found {
		return InstitutionExists
	}
	f.Number = s.Institutions.Append(Institution{Code: cmd.Institution, Type: cmd.InstitutionOf, Area: cmd.Area})
	s.indexInstitution(f.Number)
	return Accepted
}

func (s *State) openRun(cmd *Command, position Position, f *Effect) Outcome {
	if cmd.Source < 1 || cmd.Source > SourcesMax || cmd.Period == 0 || cmd.Amount < 0 || cmd.Amount > FundingMax {
		return AmountRange
	}
	if _, found := s.byRun[cmd.Other]; found {
		return RunExists
	}
	f.Number = s.Runs.Append(Run{Key: cmd.Other, Count: cmd.Count, Amount: cmd.Amount, Opened: position, Period: cmd.Period, Source: cmd.Source})
	s.byRun[cmd.Other] = f.Number
	return Accepted
}

func (s *State) closeRun(cmd *Command, position Position) Outcome {
	n, found := s.byRun[cmd.Other]
	if !found {
		return UnknownRun
	}
	r := s.Runs.At(n)
	if r.Closed != 0 {
		return RunClosed
	}
	if r.CountDone != r.Count || r.AmountDone != r.Amount {
		return RunDiffers
	}
	s.Runs.Mut(n).Closed = position
	return Accepted
}

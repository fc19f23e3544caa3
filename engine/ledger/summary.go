package ledger

// Summary is what enrolments, changes and the bureau have made of a person (R19, R21): all that the rules ask about him beside his money. A province
// has few different ones, so persons share them by value in the table Summaries; the day on which a person's insurance began and his birth would make
// nearly all of them different and lie in his own row.
type Summary struct {
	LendFrom    int32 // days: may lend in [LendFrom, LendUntil)
	LendUntil   int32
	NormalFrom  int32 // days: enrolled with status normal in [NormalFrom, NormalUntil)
	NormalUntil int32
	Died        int32  // day of death, 0: none told
	Birth       int32  // day; as stored: 0 where the person's row has it
	Area        uint32 // insuplc_admdvs
	NormalType  uint16 // insutype of the normal enrolment
	Flags       uint16 // bits 3 to 9: status.go
	SelfOrder   uint8  // place of the own account in the debit order, 0: none (R22)
	Signed      uint8  // what was done at a first binding: SignedLetter, ReadQuestions
	_           [2]uint8
}

// SummaryRow is a summary that Persons persons have. One that nobody has is free: Summary.Area is the next free row, + 1.
type SummaryRow struct {
	Summary Summary // a day that is the person's own is stored as ownDay
	Persons uint32
}

// Flags of a person.
const (
	HasAccount     = 1 << 0
	EvoucherActive = 1 << 1
	AccountFrozen  = 1 << 2  // R21
	HasPassword    = 1 << 10 // R23
)

// Bits of Summary.Signed: what an authorizer need not do again (C9, K18).
const (
	SignedLetter  = 1 << 0
	ReadQuestions = 1 << 1
)

// BirthUnknown stands for a birth date that nobody gave: such a person needs every step that depends on age.
const BirthUnknown = -1 << 31

const (
	ownDay     = -1 << 31               // in a stored summary: Person.Day
	birthFirst = -25_567                // 1 January 1900; who was born before or after what 16 bits hold costs a summary
	birthLast  = birthFirst + 1<<16 - 2 // in June 2079
)

// HasAccount reports whether he owns a personal account (R7: a fact, not a category).
func (x *Summary) HasAccount() bool { return x.Flags&HasAccount != 0 }

// MayLend reports whether relatives may draw on him on a day (A1, R19).
func (x *Summary) MayLend(day int32) bool {
	return x.Flags&HasAccount != 0 && x.StandingOn(day, true) == Normal
}

// IsNormal reports whether he is enrolled with normal status on a day.
func (x *Summary) IsNormal(day int32) bool { return x.StandingOn(day, false) == Normal }

// Summary is what the rules ask about a person.
func (s *State) Summary(p *Person) Summary {
	x := s.Summaries.At(p.Summary).Summary
	if p.Day != 0 {
		for _, day := range [...]*int32{&x.LendFrom, &x.LendUntil, &x.NormalFrom, &x.NormalUntil} {
			if *day == ownDay {
				*day = int32(p.Day)
			}
		}
	}
	if p.Birth != 0 {
		x.Birth = int32(p.Birth) - 1 + birthFirst
	}
	return x
}

// shared is the stored summary of a person, for what is nobody's own: area, flags, death, debit order, steps.
func (s *State) shared(n uint32) *Summary { return &s.Summaries.At(s.Persons.At(n).Summary).Summary }

// summary is Summary by number.
func (s *State) summary(n uint32) Summary { return s.Summary(s.Persons.At(n)) }

// AddPerson makes the row of a person who is not there and puts it into the indexes. The caller sees to PersonsMax.
func (s *State) AddPerson(key, pseudonym Key, x Summary) uint32 {
	p := Person{Key: key, Pseudonym: pseudonym}
	s.summarize(&p, x)
	n := s.Persons.Append(p)
	s.indexPerson(n)
	return n
}

// setSummary gives a person another summary.
func (s *State) setSummary(n uint32, x Summary) {
	p := s.Persons.Mut(n)
	s.dropSummary(p.Summary) // first, so that there are never more rows than persons
	s.summarize(p, x)
}

// summarize takes a summary apart into what is the person's own and a row that he shares.
func (s *State) summarize(p *Person, x Summary) {
	p.Day, p.Birth = x.ownDay(), 0
	if p.Day != 0 {
		for _, day := range [...]*int32{&x.LendFrom, &x.LendUntil, &x.NormalFrom, &x.NormalUntil} {
			if *day == int32(p.Day) {
				*day = ownDay
			}
		}
	}
	if x.Birth >= birthFirst && x.Birth <= birthLast {
		p.Birth, x.Birth = uint16(x.Birth-birthFirst)+1, 0
	}
	p.Summary = s.takeSummary(x)
}

// ownDay is the day that a person's row keeps: of its intervals' beginnings the first that 16 bits hold; 0: none.
func (x *Summary) ownDay() uint16 {
	for _, day := range [...]int32{x.LendFrom, x.LendUntil, x.NormalFrom, x.NormalUntil} {
		if day == ownDay {
			return 0 // it would be taken for another
		}
	}
	for _, day := range [...]int32{x.NormalFrom, x.LendFrom} {
		if day >= 1 && day < 1<<16 {
			return uint16(day)
		}
	}
	return 0
}

// takeSummary finds or makes the row of a summary as it is stored, and counts one person more.
func (s *State) takeSummary(x Summary) uint32 {
	hash := x.hash()
	n, found := s.bySummary.find(hash, func(n uint32) bool { return s.Summaries.At(n).Summary == x })
	if found {
		s.Summaries.Mut(n).Persons++
		return n
	}
	row := SummaryRow{Summary: x, Persons: 1}
	if free := s.Scalars.At(0).FreeSummary; free == 0 {
		n = s.Summaries.Append(row)
	} else {
		n = free - 1
		s.Scalars.Mut(0).FreeSummary = s.Summaries.At(n).Summary.Area
		*s.Summaries.Mut(n) = row
	}
	s.bySummary.insert(hash, n, s.hashOfSummary)
	return n
}

// dropSummary counts one person less, and frees the row of the last.
func (s *State) dropSummary(n uint32) {
	row := s.Summaries.Mut(n)
	if row.Persons--; row.Persons != 0 {
		return
	}
	s.bySummary.remove(row.Summary.hash(), n, s.hashOfSummary)
	scalars := s.Scalars.Mut(0)
	row.Summary = Summary{Area: scalars.FreeSummary}
	scalars.FreeSummary = n + 1
}

func (s *State) hashOfSummary(n uint32) uint64 { return s.Summaries.At(n).Summary.hash() }

func (s *State) reindexSummaries() {
	s.bySummary = index{}
	for i := uint32(0); i < s.Summaries.Len(); i++ {
		if s.Summaries.At(i).Persons != 0 {
			s.bySummary.insert(s.hashOfSummary(i), i, s.hashOfSummary)
		}
	}
}

// hash takes two fields a word; only operators write summaries, so it need not resist an adversary.
func (x *Summary) hash() (h uint64) {
	for _, w := range [...][2]uint32{{uint32(x.LendFrom), uint32(x.LendUntil)}, {uint32(x.NormalFrom), uint32(x.NormalUntil)}, {uint32(x.Died), uint32(x.Birth)},
		{x.Area, uint32(x.NormalType)<<16 | uint32(x.Flags)}, {uint32(x.SelfOrder), uint32(x.Signed)}} {
		h = mix(h ^ (uint64(w[0])<<32 | uint64(w[1])))
	}
	return h
}

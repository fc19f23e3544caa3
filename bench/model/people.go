package model

import "crypto/sha256"

// PersonState is what is held about a person. Intervals are [begin, end) in days.
type PersonState struct {
	Number       uint32
	Psn          Key
	Pseudonym    Key
	Birth        int32
	Area         uint32
	HasAccount   bool
	Evoucher     bool
	NormalBegin  int32
	NormalEnd    int32
	NormalBehind string // standing behind the interval; "": ended
	NormalType   uint16
	LendBegin    int32
	LendEnd      int32
	LendBehind   string
	Died         int32 // 0: not told
	Category     uint8 // of the last employee enrolment, a bit of Policy.Categories
	Frozen       bool
	InFamily     bool
	Family       uint32 // meaningful if InFamily
	SelfOrder    int    // place of the own account in the debit order, 0: none
	Signed       bool   // a letter
	ReadAnswers  bool   // the questions and answers
}

func (p *PersonState) account() uint64 { return AccountID(AccountPersonal, uint64(p.Number)) }

// InstitutionState is what is held about an institution.
type InstitutionState struct {
	Number uint32
	Code   string
	Type   uint8
	Area   uint32

	TombstoneDay int32 // day of the newest tombstone
	Tombstones   uint32

	Last uint64 // position of its newest accepted settlement or reversal
}

func (i *InstitutionState) account() uint64 { return AccountID(AccountInstitution, uint64(i.Number)) }

// BindingState is one binding, whatever became of it.
type BindingState struct {
	Number      uint32
	Authorizer  uint32
	Beneficiary uint32
	Order       uint16
	Relation    uint8
	Channel     uint8
	SinceMS     int64 // asked while pending, else active since
	UntilMS     int64
	Expires     int32 // the first day on which an invitation is no longer good
	State       uint8
	Face        bool // recognised when it was asked for
	Leaving     bool
	Allocated   bool // a membership
	Family      uint32
}

// The stored states of s.11.1.
const (
	Active = 1 + iota
	Invited
	InReview
	Unbound
	Rejected
	Expired
)

func (b *BindingState) pending() bool { return b.State == Invited || b.State == InReview }

func (b *BindingState) living() bool { return b.pending() || b.State == Active }

// FamilyState is a family; who is in it stands with the persons.
type FamilyState struct {
	Number  uint32
	Creator uint32
	Closed  bool
	Year    int // of the two below
	Count   uint32
	Sum     int64
	Frozen  bool
}

func (f *FamilyState) account() uint64 { return AccountID(AccountFamily, uint64(f.Number)) }

// DayKeyState is a sealed day key and, once published, the key itself.
type DayKeyState struct {
	Hash      [32]byte
	Sealed    []byte
	Published bool
	Key       [32]byte
}

func (m *Model) dayKey(c DayKey) int {
	if _, ok := m.dayKeys[c.Day]; ok {
		return KeyExists
	}
	m.dayKeys[c.Day] = DayKeyState{Hash: c.Hash, Sealed: append([]byte(nil), c.Sealed...)}
	return Accepted
}

func (m *Model) dayKeyPublish(now moment, c DayKeyPublish) int {
	row, ok := m.dayKeys[c.Day]
	if !ok {
		return NoDayKey
	}
	if c.Day >= now.today {
		return KeyNotPast
	}
	if sha256.Sum256(c.Key[:]) != row.Hash {
		return KeyDiffers
	}
	if row.Published {
		return KeyExists
	}
	row.Published = true
	row.Key = c.Key
	m.dayKeys[c.Day] = row
	return Accepted
}

func (m *Model) person(now moment, c Person) Result {
	if m.byPsn[c.Psn] != nil {
		return Result{Outcome: PersonExists}
	}
	if m.byPseudonym[c.Pseudonym] != nil {
		return Result{Outcome: CertificateExists}
	}
	p := &PersonState{
		Number: uint32(len(m.persons)), Psn: c.Psn, Pseudonym: c.Pseudonym, Birth: c.Birth, Area: c.Area,
		HasAccount: c.HasAccount, Evoucher: c.EvoucherActive,
	}
	for _, insurance := range c.Enrolments {
		p.enrol(insurance)
	}
	if p.HasAccount && !opensAccount(now.policy, p) {
		return Result{Outcome: CategoryNotAllowed}
	}
	m.persons = append(m.persons, p)
	m.byPsn[p.Psn] = p
	m.byPseudonym[p.Pseudonym] = p
	if p.HasAccount {
		m.balances[p.account()] = 0
	}
	return Result{Outcome: Accepted, Number: p.Number}
}

func (m *Model) enrolment(c Enrolment) Result {
	p := m.byPsn[c.Psn]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	p.enrol(c.Insurance)
	return Result{Outcome: Accepted}
}

func (m *Model) institution(c Institution) Result {
	if m.byCode[c.Code] != nil {
		return Result{Outcome: InstitutionExists}
	}
	i := &InstitutionState{Number: uint32(len(m.institutions)), Code: c.Code, Type: c.Type, Area: c.Area}
	m.institutions = append(m.institutions, i)
	m.byCode[i.Code] = i
	m.balances[i.account()] = 0
	return Result{Outcome: Accepted, Number: i.Number}
}

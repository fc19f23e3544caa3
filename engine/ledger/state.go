package ledger

// State is everything held: tables and the indexes derived from them. It belongs to the executor; between barriers of a money batch
// shards may read it and write the pages they own.
type State struct {
	Persons      *Table[Person]
	Summaries    *Table[SummaryRow] // of persons; written by structural commands only
	Institutions *Table[Institution]
	Bindings     *Table[Binding]
	BindingTails *Table[BindingTail] // in order of first need
	Families     *Table[Family]
	Runs         *Table[Run]
	Policies     *Table[Policy]
	DayKeys      *Table[DayKey]
	Scalars      *Table[Scalars] // one row
	AreaDues     *Table[AreaDue] // in order of first use and day; written by PostSums only
	Credentials  *Table[Credential]
	Passwords    *Table[Password]
	Clearings    *Table[Clearing]
	Visits       *Table[Visit]
	FeeLines     *Table[FeeLine]

	byKey       index
	byPseudonym index
	byCode      index
	byCard      index
	byPassword  index
	bySummary   index          // in use, by content
	byHolder    index          // newest card of a person
	byPatient   index          // newest visit of a person that is held
	byCreator   index          // open families
	byTail      index          // by binding
	byOpened    index          // visits
	bySerial    index          // fee lines, by visit and serial
	byRun       map[Key]uint32 // looked up, never walked
	byDay       map[int32]uint32
	pending     map[uint32]uint32 // by user: newest pending binding, + 1; chained by NextDraw. Looked up, never walked.
	byPair      map[uint64]uint32 // number of a pair of pooling areas in dueHeads; looked up, never walked
	dueHeads    []uint32          // newest row of each pair, in order of first use
}

// Shifts are the page sizes (binary logarithm of rows) of the tables that shards own. Tuning, not meaning: the digests do not see pages.
type Shifts struct{ Person, Institution, Family uint }

// DefaultShifts give pages of 64, 36 and 64 KiB (design.md 7 says 64 KiB, say). The allocator gives whole 8 KiB, which a row of a cache line fills.
var DefaultShifts = Shifts{Person: 10, Institution: 9, Family: 10}

const (
	bindingShift = 11 // 64 KiB pages of bindings
	visitShift   = 9  // 56 and 48 KiB pages
	smallShift   = 6  // runs, policies, day keys: hundreds of rows at most
)

// NewState is the state before genesis.
func NewState(s Shifts) *State {
	st := &State{
		Persons:      NewTable[Person](s.Person),
		Summaries:    NewTable[SummaryRow](bindingShift),
		Institutions: NewTable[Institution](s.Institution),
		Bindings:     NewTable[Binding](bindingShift),
		BindingTails: NewTable[BindingTail](bindingShift),
		Families:     NewTable[Family](s.Family),
		Runs:         NewTable[Run](smallShift),
		Policies:     NewTable[Policy](smallShift),
		DayKeys:      NewTable[DayKey](smallShift),
		Scalars:      NewTable[Scalars](0),
		Credentials:  NewTable[Credential](bindingShift),
		Passwords:    NewTable[Password](bindingShift),
		Clearings:    NewTable[Clearing](bindingShift),
		Visits:       NewTable[Visit](visitShift),
		FeeLines:     NewTable[FeeLine](visitShift),
		byRun:        map[Key]uint32{},
		byDay:        map[int32]uint32{},
		pending:      map[uint32]uint32{},
		AreaDues:     NewTable[AreaDue](bindingShift),
		byPair:       map[uint64]uint32{},
	}
	st.Scalars.Append(Scalars{})
	return st
}

// Advise names who is told of large memory that will be looked into at random, before anything is in it: the engine asks the kernel for huge pages.
func (s *State) Advise(persons func([]Person), bindings func([]Binding), slots func([]uint32)) {
	s.Persons.Advise(persons)
	s.Bindings.Advise(bindings)
	s.byKey.advise, s.byPseudonym.advise = slots, slots
}

func (s *State) indexPerson(i uint32) {
	p := s.Persons.At(i)
	s.byKey.insert(p.Key.hash(), i, func(n uint32) uint64 { return s.Persons.At(n).Key.hash() })
	s.byPseudonym.insert(p.Pseudonym.hash(), i, func(n uint32) uint64 { return s.Persons.At(n).Pseudonym.hash() })
}

func (s *State) indexInstitution(i uint32) {
	s.byCode.insert(s.Institutions.At(i).Code.hash(), i, func(n uint32) uint64 { return s.Institutions.At(n).Code.hash() })
}

// FindPerson looks a person up by K(psn_no). It is index.find written out: the hot path asks it once a settlement.
func (s *State) FindPerson(key Key) (uint32, bool) {
	slots := s.byKey.slots
	if len(slots) == 0 {
		return 0, false
	}
	hash, mask := key.hash(), uint64(len(slots)-1)
	tag := tagOf(hash)
	for i := hash & mask; ; i = (i + 1) & mask {
		v := slots[i]
		if v == 0 {
			return 0, false
		}
		if v&^indexNumberMask == tag {
			if n := v&indexNumberMask - 1; s.Persons.At(n).Key == key {
				return n, true
			}
		}
	}
}

// FindPseudonym looks a person up by the pseudonym of his certificate.
func (s *State) FindPseudonym(key Key) (uint32, bool) {
	return s.byPseudonym.find(key.hash(), func(n uint32) bool { return s.Persons.At(n).Pseudonym == key })
}

// FindInstitution looks an institution up by its code.
func (s *State) FindInstitution(code *Code) (uint32, bool) {
	return s.byCode.find(code.hash(), func(n uint32) bool { return s.Institutions.At(n).Code == *code })
}

// FindRun looks a credit run up by K("run", run_id).
func (s *State) FindRun(key Key) (uint32, bool) { n, ok := s.byRun[key]; return n, ok }

// FindDayKey looks the key of a day up.
func (s *State) FindDayKey(day int32) (uint32, bool) { n, ok := s.byDay[day]; return n, ok }

// PolicyAt is the policy in force at a time: the greatest effective_from not after it, ties to the one logged later (design.md 6: of one
// name that is the later version).
func (s *State) PolicyAt(timeMS int64) (Policy, bool) {
	var best Policy
	found := false
	for i := uint32(0); i < s.Policies.Len(); i++ { // in log order
		p := s.Policies.At(i)
		if p.EffectiveFrom <= timeMS && (!found || p.EffectiveFrom >= best.EffectiveFrom) {
			best, found = *p, true
		}
	}
	return best, found
}

// Balance of an account in fen; unknown accounts hold 0.
func (s *State) Balance(a AccountID) int64 {
	n := a.Number()
	switch a.Kind() {
	case KindPersonal:
		if n < s.Persons.Len() {
			return s.Persons.At(n).Balance
		}
	case KindFamily:
		if n < s.Families.Len() {
			return s.Families.At(n).Balance
		}
	case KindInstitution:
		if n < s.Institutions.Len() {
			return s.Institutions.At(n).Payable
		}
	case KindAreaDue:
		return s.dueBalance(a)
	case KindPremiumPayable:
		if n <= PremiumsMax {
			return s.Scalars.At(0).Premium[n]
		}
	case KindFundBank:
		if n <= ReasonsMax {
			return s.Scalars.At(0).Bank[n]
		}
	case KindFunding:
		if n <= SourcesMax {
			return s.Scalars.At(0).Funding[n]
		}
	}
	return 0
}

// NetFunding is the money brought in from outside, in fen.
func (s *State) NetFunding() int64 {
	var sum int64
	for _, f := range s.Scalars.At(0).Funding {
		sum -= f
	}
	return sum
}

// Totals are the sums by account kind, in fen; they add to 0 (P1).
type Totals struct {
	Personal, Family, Institution, Premium int64
	AreaOwed, AreaClaimed                  int64 // the two sides of account kind 5
	FundBank, Funding                      int64
}

// Sum is 0 in a ledger that balances.
func (t Totals) Sum() int64 {
	return t.Personal + t.Family + t.Institution + t.Premium + t.AreaOwed + t.AreaClaimed + t.FundBank + t.Funding
}

// Totals walks all accounts.
func (s *State) Totals() (t Totals) {
	for i := uint32(0); i < s.Persons.Len(); i++ {
		t.Personal += s.Persons.At(i).Balance
	}
	for i := uint32(0); i < s.Families.Len(); i++ {
		t.Family += s.Families.At(i).Balance
	}
	for i := uint32(0); i < s.Institutions.Len(); i++ {
		t.Institution += s.Institutions.At(i).Payable
	}
	for _, n := range s.dueHeads {
		t.AreaOwed += s.AreaDues.At(n).Total
	}
	t.AreaClaimed = -t.AreaOwed
	for _, p := range s.Scalars.At(0).Premium {
		t.Premium += p
	}
	for _, b := range s.Scalars.At(0).Bank {
		t.FundBank += b
	}
	t.Funding = -s.NetFunding()
	return t
}

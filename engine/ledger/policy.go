package ledger

// Policy is a regional profile in force from EffectiveFrom on (design.md 6): those of its knobs that can change an outcome. DESIGN.md 7 says
// which of them are stored and not yet enforced. The whole text is in the log with the command at position At. Masks of channels have bit c for
// channel code c. Flags are 0 or 1.
type Policy struct {
	EffectiveFrom    int64          // ms
	At               Position       // of the command that brought it; written by the ledger
	AllocMax         int64          // fen of one allocation; 0: no limit (K21)
	Provinces        [2]uint64      // bit p of the 128: province p (first two digits of an area) has agreed (K14)
	Hash             [32]byte       // SHA-256 of the profile's canonical text; zero: there is no text
	Name             [NameMax]byte  // of the profile, zero-padded
	Commitment       Key            // K("commitment", template, version); zero: none is signed (K18)
	Questions        Key            // K("questions", version); zero: none are read (C9)
	Logins           [Logins]uint32 // by login way - 1: channels that take it (C4, C5)
	Version          uint32
	Channels         uint32 // that may be used at all (K22)
	Counters         uint32 // channels that are a counter: they need an application (F9, G3)
	Evouchers        uint32 // channels where the authorizer's e-voucher must be active (K6)
	AllocTimes       uint32 // allocations of a family in a calendar year; 0: no limit (K21)
	VisitLines       uint32 // fee lines a visit may hold (R29)
	VisitRows        uint32 // visits and fee lines that the ledger holds at a time
	Relations        uint16 // bit r: relation code r is allowed (K1)
	MaxAuthorizers   uint16 // 0: RelativesMax (K4)
	ConsentDays      uint16 // an invitation expires after so many days; 0: nobody is asked (K10)
	LockMinutes      uint16 // of a password tried too often (K20, R23)
	DayCloseMinutes  uint16 // after the end of a business day (R15)
	PremiumFrom      uint16 // month x 100 + day; 0: the whole year (K13)
	PremiumUntil     uint16 // the season's last day
	RegistrationDays uint16 // an outpatient registration is open so many days; 0: no visits are taken (R29)
	RegistrationKeep uint16 // days that it is held after it expired
	StayKeep         uint16 // days that a stay is held after its discharge
	OpenVisits       uint16 // of a patient at one institution
	Strategy         Strategy
	Parts            uint8 // payable parts (K12)
	Places           uint8 // payable places (K11)
	MinBindMonths    uint8 // calendar months (K5)
	MaxFamilies      uint8 // of a person at a time; 0: no limit (K4)
	FaceFromAge      uint8 // the youngest age in whole years that needs a face step; 0: nobody (K9, L4)
	PasswordTries    uint8 // 0: no password (K20)
	PremiumTypes     uint8 // 0: no premiums (K13)
	Categories       uint8 // of persons for whom an account is opened (K15)
	Territory        Territory
	Province         uint8 // first two digits of the region's areas; 0: any (K14)

	SelfFirst           uint8 // K3
	RequireNormalUser   uint8 // K16; 0: enrolled is enough
	UserMayUnbind       uint8 // R21
	FlagOneOwnOnly      uint8 // R6
	CancelReversible    uint8 // R11
	ConsentRequired     uint8 // K10
	CommitmentEachTime  uint8 // K18; 0: at the first binding only
	DataConsentRequired uint8 // C2, F6
	OfflineReview       uint8 // K19
	PausedMoneyUsable   uint8 // R24
	_                   [1]uint8
}

// Limits of a policy.
const (
	PoliciesMax    = 1 << 16 // one a day for 179 years; bounds the walk of PolicyAt, once a batch
	NameMax        = 24      // bytes of a profile's name
	ChannelMax     = 31      // codes 1 to 31: a bit each in a mask of 32
	Logins         = 4       // ways to sign in
	BindMonthsMax  = 120     // ten years: longer than any rule heard of, and far from overflow
	ConsentDaysMax = 365     // an invitation older than a year is forgotten
	TriesMax       = 20      // more tries are no limit
	LockMinutesMax = 10_080  // a week
	DayCloseMax    = 10_080  // a week
	AgeMax         = 120

	RegistrationDaysMax = 366       // a registration for longer than a year is a mistake
	VisitKeepMax        = 3660      // ten years
	OpenVisitsMax       = 256       // half of VisitsOfPersonMax
	VisitLinesMax       = 100_000   // a settlement walks them all, some 10 ms on the executor's goroutine
	VisitRowsMax        = 1<<27 - 1 // what an index can number
)

// Strategy says where money comes from after the own account (K2).
type Strategy uint8

// The source strategies.
const (
	Random    Strategy = 1 // authorizers drawn at random (D2, D3)
	Ordered   Strategy = 2 // the order set at binding (D4)
	Allocated Strategy = 3 // the family account (D6)
)

// Territory says how far apart authorizer and user may be insured (K14).
type Territory uint8

// The territories.
const (
	InProvince    Territory = 0
	InPoolingArea Territory = 1
	CrossProvince Territory = 2 // to the provinces of Provinces
)

// Payable parts (R1) and places (K11).
const (
	PartInscp      = 1
	PartPreselfpay = 2
	PartOverlmt    = 4
	PartFulamt     = 8

	PlaceInstitution = 1
	PlacePharmacy    = 2
)

const (
	partsAll        = PartInscp | PartPreselfpay | PartOverlmt | PartFulamt
	placesAll       = PlaceInstitution | PlacePharmacy
	relationsAll    = 1<<1 | 1<<2 | 1<<4 | 1<<5 | 1<<6 | 1<<7 // agnter_rlts of the eight kin groups (B1)
	premiumTypesAll = 1 | 2                                   // resident insurance, and similar (M7)
	categoriesAll   = 1 | 2 | 4                               // employed, retired, flexibly employed
	provinceFirst   = 11                                      // GB/T 2260: Beijing
	provinceLast    = 82                                      // Macao
)

// In reports whether a channel is in a mask of channels.
func In(mask uint32, channel uint8) bool { return channel <= ChannelMax && mask>>channel&1 != 0 }

// Check reports whether the knobs can stand together (DESIGN.md 4, command 2).
func (p *Policy) Check() bool {
	return p.checkMoney() && p.checkBinding() && p.checkChannels() && p.checkSteps() && p.checkTerritory() && p.checkVisits()
}

func (p *Policy) checkMoney() bool {
	if p.Strategy < Random || p.Strategy > Allocated || p.Parts&^partsAll != 0 || p.Places&^placesAll != 0 || p.DayCloseMinutes > DayCloseMax {
		return false
	}
	if p.AllocMax < 0 || p.AllocMax > AmountMax || p.Strategy != Allocated && (p.AllocMax != 0 || p.AllocTimes != 0) {
		return false
	}
	if p.PremiumTypes&^premiumTypesAll != 0 || p.PremiumTypes == 0 && (p.PremiumFrom != 0 || p.PremiumUntil != 0) {
		return false
	}
	wholeYear := p.PremiumFrom == 0 && p.PremiumUntil == 0
	return wholeYear || isDayOfYear(p.PremiumFrom) && isDayOfYear(p.PremiumUntil)
}

func (p *Policy) checkBinding() bool {
	switch {
	case p.Relations&^relationsAll != 0, p.Relations == 0, p.MinBindMonths > BindMonthsMax, p.MaxAuthorizers > RelativesMax, p.MaxFamilies > RelativesMax:
		return false
	case p.Strategy == Allocated && p.MaxFamilies != 1: // L1, and a person has one family only
		return false
	}
	return p.Categories&^categoriesAll == 0
}

func (p *Policy) checkChannels() bool {
	known := p.Channels&1 == 0 && p.Counters&^p.Channels == 0 && p.Evouchers&^p.Channels == 0
	var canLogIn uint32
	for _, channels := range p.Logins {
		canLogIn |= channels
	}
	return known && canLogIn == p.Channels && (p.OfflineReview == 0 || p.Counters != 0)
}

func (p *Policy) checkSteps() bool {
	asked, locks := p.ConsentRequired != 0, p.PasswordTries != 0
	switch {
	case asked != (p.ConsentDays != 0), p.ConsentDays > ConsentDaysMax, p.FaceFromAge > AgeMax, p.FaceFromAge != 0 && !asked:
		return false
	case locks != (p.LockMinutes != 0), p.PasswordTries > TriesMax, p.LockMinutes > LockMinutesMax:
		return false
	}
	return p.CommitmentEachTime == 0 || !p.Commitment.IsZero()
}

func (p *Policy) checkTerritory() bool {
	agreed := p.Provinces != [2]uint64{}
	home := int(p.Province)
	switch {
	case p.Territory > CrossProvince, home != 0 && (home < provinceFirst || home > provinceLast):
		return false
	case agreed != (p.Territory == CrossProvince), agreed && (home == 0 || p.HasAgreed(home)):
		return false
	}
	for n := range 128 {
		if p.HasAgreed(n) && (n < provinceFirst || n > provinceLast) {
			return false
		}
	}
	return true
}

// checkVisits: all six knobs, or none.
func (p *Policy) checkVisits() bool {
	if p.RegistrationDays == 0 {
		return p.RegistrationKeep|p.StayKeep|p.OpenVisits == 0 && p.VisitLines|p.VisitRows == 0
	}
	isIn := func(n, most uint32) bool { return n >= 1 && n <= most }
	return isIn(uint32(p.RegistrationDays), RegistrationDaysMax) && isIn(uint32(p.RegistrationKeep), VisitKeepMax) && isIn(uint32(p.StayKeep), VisitKeepMax) &&
		isIn(uint32(p.OpenVisits), OpenVisitsMax) && isIn(p.VisitLines, VisitLinesMax) && isIn(p.VisitRows, VisitRowsMax)
}

// HasAgreed reports whether a province (first two digits of its areas) is in the agreed list.
func (p *Policy) HasAgreed(province int) bool {
	return province >= 0 && province < 128 && p.Provinces[province/64]>>(province%64)&1 != 0
}

// isDayOfYear reports whether month x 100 + day exists in a leap year.
func isDayOfYear(n uint16) bool {
	month, day := n/100, n%100
	return month >= 1 && month <= 12 && day >= 1 && day <= [...]uint16{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// NameText is the profile's name.
func (p *Policy) NameText() string {
	n := 0
	for n < len(p.Name) && p.Name[n] != 0 {
		n++
	}
	return string(p.Name[:n])
}

// addPolicy is command 2.
func (s *State) addPolicy(c *Context, p *Policy, position Position, f *Effect) Outcome {
	if !p.Check() {
		return PolicyImpossible
	}
	for i := uint32(0); i < s.Policies.Len(); i++ {
		if have := s.Policies.At(i); have.Name == p.Name && p.Version <= have.Version {
			return PolicyVersion
		}
	}
	row := *p
	row.At = position
	if row.EffectiveFrom == 0 {
		row.EffectiveFrom = c.TimeMS
	}
	if row.EffectiveFrom < c.TimeMS {
		return PolicyInPast
	}
	if row.Strategy != Allocated && s.familiesHoldMoney() {
		return FamilyMoney // design.md 6: it would be out of everybody's reach
	}
	if s.Policies.Len() >= PoliciesMax {
		return LedgerFull
	}
	f.Number = s.Policies.Append(row)
	return Accepted
}
